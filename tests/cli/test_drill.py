"""`tlog drill` against a served log: what it prints, how it ends, and that what was removed is missed loudly."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import sealed_log
from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.processes import TLOG, ProcessError, run, run_json, running
from tests.service.old_log import DAYS, fill, remove_personal, remove_row, remove_terms
from tests.service.test_erasure import settings
from tests.town import log_command
from tlog.errors import StorageFault
from tlog.formats.policy import encode_policy
from tlog.storage.database import Database
from tlog.storage.roles import Role

Harm = Callable[[Database, int], None]
PATIENT = ("--limit", 60)
"""What passes must pass on a busy machine too."""
WINDOW = range(DAYS - 97, DAYS - 82)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    asyncio.run(fill(tmp_path / "log"))
    with served_in_a_thread(tmp_path / "log", settings=settings()) as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("jane", Role.AUDITOR))
        (tmp_path / "policy.txt").write_bytes(encode_policy(made.service.made.log.policy))
        yield made


def database(served: Served) -> Database:
    return served.service.made.parts.database


@pytest.mark.usefixtures("served")
def test_all_found_and_verified_ends_with_0(tlog: Command, tmp_path: Path) -> None:
    said = tlog("drill", "--policy", tmp_path / "policy.txt", "--records", 15, *PATIENT, "--json").json
    assert (said["ok"], said["missed"], said["missing"]) == (True, 0, 0)
    assert (said["first"], said["last"], said["oldest"]) == (WINDOW[0], WINDOW[-1], False)
    assert sorted(record["index"] for record in said["records"]) == list(WINDOW)
    for record in said["records"]:
        steps = record["find_ms"] + record["evidence_ms"] + record["verify_ms"]
        assert record["total_ms"] == pytest.approx(steps, abs=0.01)
        assert min(record["find_ms"], record["evidence_ms"], record["verify_ms"]) > 0
    entry = tlog("get", said["index"], "--json").json["entry"]
    assert (entry["action"], entry["outcome"], entry["actor"]["id"]) == ("tlog.drill", "allowed", "jane")


@pytest.mark.usefixtures("served")
def test_people_get_a_table(tlog: Command, tmp_path: Path) -> None:
    out = tlog("drill", "--policy", tmp_path / "policy.txt", "--records", 2, *PATIENT).out
    assert f"entries {WINDOW[0]} to {WINDOW[-1]}" in out
    assert out.count(" ms") == 8
    assert re.search(r"passed: 2 records found and verified, the slowest in \d+\.\d\d s of 60 s; no row", out)
    assert re.search(r"logged as entry \d+$", out.strip())


@pytest.mark.usefixtures("served")
def test_a_seed_picks_the_same_again(tlog: Command, tmp_path: Path) -> None:
    command = ("drill", "--policy", tmp_path / "policy.txt", "--records", 3, "--seed", 5, *PATIENT, "--json")
    one, other = (tlog(*command).json["records"] for _ in range(2))
    assert [record["index"] for record in one] == [record["index"] for record in other]


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (remove_row, ("read", f"no entry has index {WINDOW[3]}")),
        (remove_personal, ("read", "personal parts")),
        (lambda database, index: remove_personal(database, index, 1), ("read", "does not open")),
        (remove_terms, ("find", "not found by its target_id")),
    ],
    ids=["the row", "its persons", "its subject", "its terms"],
)
def test_a_picked_record_that_was_removed_is_a_miss(
    tlog: Command, served: Served, tmp_path: Path, harm: Harm, expected: tuple[str, str]
) -> None:
    step, why = expected
    harm(database(served), WINDOW[3])
    ended = tlog("drill", "--policy", tmp_path / "policy.txt", "--records", 15, *PATIENT, "--json", code=3)
    missed = [record for record in ended.json["records"] if record["missed"]]
    assert [(record["index"], record["missed"]) for record in missed] == [(WINDOW[3], step)]
    assert ended.json["ok"] is False
    assert "MISSED" in ended.error["error"]
    assert any(f"entry {WINDOW[3]}" in line and why in line for line in ended.error["details"]), ended.error
    entry = tlog("get", ended.json["index"], "--json").json["entry"]
    assert entry["outcome"] == "failed"


def test_a_removed_row_that_nobody_picked_is_a_miss_and_named(tlog: Command, served: Served, tmp_path: Path) -> None:
    command = ("drill", "--policy", tmp_path / "policy.txt", "--records", 1, "--seed", 1, *PATIENT)
    [picked] = tlog(*command, "--json").json["records"]
    gone = next(index for index in WINDOW if index != picked["index"])
    remove_row(database(served), gone)
    ended = tlog(*command, code=3)
    assert f"MISSED: 1 row MISSING from the database: {gone}; run 'tlog fsck'" in ended.out
    assert f"1 row MISSING from the database: {gone}" in ended.err
    assert tlog(*command, "--json", code=3).json["first_missing"] == [gone]


@pytest.mark.usefixtures("served")
def test_a_limit_that_nobody_can_keep_is_a_miss(tlog: Command, tmp_path: Path) -> None:
    ended = tlog("drill", "--policy", tmp_path / "policy.txt", "--limit", "0.000001", "--json", code=3)
    assert {record["missed"] for record in ended.json["records"]} == {"limit"}


@pytest.mark.usefixtures("served")
def test_the_policy_decides_not_the_log(tlog: Command, tmp_path: Path) -> None:
    tlog("init", tmp_path / "other", "--origin", "example.com/log")
    ended = tlog("drill", "--policy", tmp_path / "other/policy.txt", "--records", 1, "--json", code=3)
    assert [record["missed"] for record in ended.json["records"]] == ["verify"]
    assert "log signature" in ended.error["details"][0]


@pytest.mark.usefixtures("served")
def test_longer_ago_than_the_log_is_the_oldest_days(tlog: Command, tmp_path: Path) -> None:
    said = tlog("drill", "--policy", tmp_path / "policy.txt", "--ago", 4000, "--records", 1, *PATIENT, "--json").json
    assert (said["oldest"], said["first"], said["last"]) == (True, 0, 14)
    text = tlog("drill", "--policy", tmp_path / "policy.txt", "--ago", 4000, "--records", 1, *PATIENT).out
    assert text.startswith("nothing so long ago; the oldest days instead")
    assert said["from_day"] in text


def test_a_result_that_can_not_be_logged_is_a_failure(
    tlog: Command, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> int:
        raise StorageFault("the disk is full")

    monkeypatch.setattr(served.service.made.log.drills, "log", refuse)
    command = ("drill", "--policy", tmp_path / "policy.txt", "--records", 1, "--json", "--retry-for", 0)
    ended = tlog(*command, *PATIENT, code=1)
    assert (ended.json["ok"], ended.json["index"]) == (True, None)
    assert "could not be logged: the disk is full" in ended.error["error"]
    ended = tlog(*command, "--limit", "0.000001", code=3)
    assert "could not be logged" in ended.error["details"][-1]


def test_a_halted_log_is_not_drilled(tlog: Command, served: Served, tmp_path: Path) -> None:
    """What it shows it would have to log."""
    served.service.made.log.publisher._stop_signing("a witness knows more")
    ended = tlog("drill", "--policy", tmp_path / "policy.txt", "--retry-for", 0, code=1)
    assert "a witness knows more" in ended.err


@pytest.mark.usefixtures("served")
def test_wrong_usage_and_refusals(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    policy = tmp_path / "policy.txt"
    for bad in (("--limit", 0), ("--limit", "inf"), ("--records", 0), ("--records", 101), ("--ago", -1)):
        tlog("drill", "--policy", policy, *bad, code=2)
    tlog("drill", code=2)
    tlog("drill", "--policy", tmp_path / "none.txt", code=1)
    (tmp_path / "bad.txt").write_text("nonsense\n")
    assert tlog("drill", "--policy", tmp_path / "bad.txt", "--json", code=1).error["check"] == "policy"
    monkeypatch.setenv("TLOG_TOKEN", served.service.token)
    assert "which auditor" in tlog("drill", "--policy", policy, code=1).err


def test_an_empty_log_has_nothing_to_drill(tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served_in_a_thread(tmp_path / "log") as made:
        (tmp_path / "policy.txt").write_bytes(encode_policy(made.service.made.log.policy))
        monkeypatch.setenv("TLOG_TOKEN", made.auditor)
        ended = tlog("drill", "--policy", tmp_path / "policy.txt", "--url", made.url, code=1)
        assert "no witnessed entries" in ended.err


@pytest.mark.processes
def test_with_real_processes_a_row_removed_from_the_file_is_missed(tmp_path: Path) -> None:
    folder, token = tmp_path / "log", tmp_path / "auditor.token"
    sealed_log.build(folder, 1_000)
    token.write_text(run([*TLOG, "token", "add", str(folder), "--auditor", "jane"]))
    token.chmod(0o600)
    with running(log_command(folder)) as log:
        command = [*TLOG, "drill", "--url", log.url, "--token-file", str(token), "--limit", "60", "--json"]
        command += ["--policy", str(folder / "policy.txt")]
        said = run_json(command)
        assert (said["ok"], len(said["records"])) == (True, 5)
        assert said["index"] > 1000 + 5 * 5, "each step over HTTP is an entry of its own"
        with sqlite3.connect(folder / "log.db", timeout=10) as harmed:
            harmed.execute("DELETE FROM entries WHERE log_index = ?", (said["last"],))
        harmed.close()
        missed = json_of(run(command, code=3))
        assert (missed["missing"], missed["first_missing"], missed["ok"]) == (1, [said["last"]], False)
        with pytest.raises(ProcessError, match="ended with 3"):
            run(command)


def json_of(out: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(out)
    return value


@pytest.mark.usefixtures("served")
def test_the_logs_own_entries_are_found_as_well(tlog: Command, tmp_path: Path) -> None:
    """Looking makes entries of the log itself; a drill that picks some of them must find them."""
    for _ in range(20):
        tlog("get", 0)
    for seed in (1, 2):
        recent = ("--ago", 0, "--records", 12, "--seed", seed)
        said = tlog("drill", "--policy", tmp_path / "policy.txt", *recent, *PATIENT, "--json").json
        assert (said["ok"], said["missed"]) == (True, 0)
        assert any(
            tlog("get", record["index"], "--json").json["entry"]["source"] == "tlog" for record in said["records"]
        )
