"""`tlog erase` against a served log, in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.support import entry_document
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role

ENTRIES, PARTS = 2, 4
WHY = ("--legal-basis", "GDPR Art. 17(1)(b)", "--authorised-by", "Dana Officer")
SUBJECT = ("--subject", "p-4711")


@pytest.fixture(params=[False])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command
) -> Iterator[Served]:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=request.param)
    with served_in_a_thread(tmp_path / "log", settings=settings) as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", Role.DPO))
        made.append(entry_document(), entry_document(), entry_document(subjects=[{"id": "p-other"}]))
        yield made


def test_a_dry_run_shows_and_changes_nothing(served: Served, tlog: Command) -> None:
    said = tlog("erase", *SUBJECT, *WHY, "--dry-run", "--json").json
    assert (said["status"], said["entries"], said["parts"], said["act"]) == ("dry-run", 2, 4, None)
    again = tlog("erase", *SUBJECT, *WHY, "--dry-run").out
    assert again.startswith(f"would erase {PARTS} parts of {ENTRIES} entries\nreceived 2")
    assert "who looked at which entries stays" in again
    assert (served.service.size(), served.acts()) == (3, [])


def test_a_dry_run_needs_no_basis_and_no_authority(served: Served, tlog: Command) -> None:
    assert tlog("erase", *SUBJECT, "--dry-run", "--json").json["parts"] == 4
    assert (served.service.size(), served.acts()) == (3, [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "--legal-basis and --authorised-by missing"),
        (("--legal-basis", "x"), "--authorised-by missing"),
        (("--authorised-by", "x"), "--legal-basis missing"),
    ],
)
def test_only_what_is_missing_is_named(
    served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], said: str
) -> None:
    refused = tlog("erase", *SUBJECT, *given, "--yes", code=2).err
    assert f"Invalid value: {said}" in refused
    monkeypatch.delenv("TLOG_URL")
    assert "Invalid value: --url missing" in tlog("erase", *SUBJECT, "--dry-run", code=2).err
    assert (served.service.size(), served.acts()) == (3, [])


def test_what_holds_an_erasure_is_said_in_the_same_words(served: Served, tlog: Command) -> None:
    tlog("hold", "place", "--case", "C-1", *SUBJECT, "--reason", "claim", "--authorised-by", "Dana Officer")
    assert "held by hold 1: it would be refused" in tlog("erase", *SUBJECT, "--dry-run").out
    assert "held by hold 1: nothing was erased" in tlog("erase", *SUBJECT, *WHY, "--yes", code=1).err


def test_an_erasure_with_yes(served: Served, tlog: Command) -> None:
    said = tlog("erase", *SUBJECT, *WHY, "--reason", "asked for it", "--yes", "--json").json
    assert (said["status"], said["entries"], said["parts"]) == ("done", ENTRIES, PARTS)
    shown = tlog("erase", "show", said["act"], "--json").json
    assert (shown["state"], shown["index"]) == ("done", said["index"])
    assert tlog("erase", "list", "--json").json["erasures"] == [shown]
    assert said["act"] in tlog("erase", "list").out
    again = tlog("erase", *SUBJECT, *WHY, "--yes")
    assert again.out.startswith("nothing to erase")
    assert (served.service.size(), served.acts()) == (3, [(said["index"], "tlog.erasure")])


def test_an_entry_says_which_fields_were_erased_when_and_by_which_entry(served: Served, tlog: Command) -> None:
    shown = tlog("get", 0).out.splitlines()
    assert shown[0].startswith("entry 0, leaf ")
    assert shown[1] == "{"
    done = tlog("erase", *SUBJECT, *WHY, "--yes", "--json").json
    applied = tlog("erase", "show", done["act"], "--json").json["applied_at"]
    lines = tlog("get", 0).out.splitlines()
    said = f"erased at {applied} by entry {done['index']} of the log (act {done['act']})"
    assert lines[1:4] == [
        "2 fields were erased",
        f"  subjects[0]: {said}",
        f"  targets, details, correlation: {said}",
    ]
    assert lines[4] == "{"
    entry = json.loads(tlog("get", done["index"], "--json").out)["entry"]
    assert (entry["action"], entry["details"]["act"]) == ("tlog.erasure", done["act"])
    other = tlog("get", 2).out
    assert "erased" not in other


def test_an_actor(served: Served, tlog: Command) -> None:
    said = tlog("erase", "--actor", "employee", "e-1007", *WHY, "--yes").out
    [(index, action)] = served.acts()
    assert action == "tlog.erasure"
    assert said.startswith(f"done: erased 3 parts of 3 entries; entry {index} of the log says so\n")
    assert served.service.size() == 3


@pytest.mark.parametrize("given", ["file", "stdin"])
def test_the_id_may_come_from_a_file(
    served: Served, tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    path = tmp_path / "id.txt"
    path.write_text("p-4711\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"p-4711\n")))
    name = path if given == "file" else "-"
    assert tlog("erase", "--subject-file", name, *WHY, "--yes", "--json").json["entries"] == ENTRIES
    assert [action for _, action in served.acts()] == ["tlog.erasure"]


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"\xff\n"])
def test_a_file_without_one_id_is_refused(served: Served, tlog: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "id.txt").write_bytes(content)
    tlog("erase", "--subject-file", tmp_path / "id.txt", *WHY, "--yes", code=1)
    assert (served.service.size(), served.acts()) == (3, [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "acts"), [("y\n", ["tlog.erasure"]), ("n\n", []), ("\n", [])])
def test_it_asks_on_a_terminal(
    served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, answer: str, acts: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    said = tlog("erase", *SUBJECT, *WHY, code=0 if acts else 1)
    assert "would erase 4 parts of 2 entries" in said.err
    assert (served.service.size(), [action for _, action in served.acts()]) == (3, acts)


@pytest.mark.parametrize(
    "arguments",
    [
        (*SUBJECT, *WHY),  # no terminal to ask on
        (*SUBJECT, "--legal-basis", "x", "--yes"),
        (*WHY, "--yes"),
        (*SUBJECT, "--actor", "employee", "e-1", *WHY, "--yes"),
    ],
)
def test_wrong_usage(
    served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    tlog("erase", *arguments, code=2)
    assert (served.service.size(), served.acts()) == (3, [])


def test_a_refusal_says_which_field_and_quotes_nothing(served: Served, tlog: Command) -> None:
    said = tlog("erase", *SUBJECT, *WHY, "--reason", "for p-4711", "--yes", code=1)
    assert "--reason: it contains" in said.err
    assert "p-4711" not in said.err
    assert (served.service.size(), served.acts()) == (3, [])


@pytest.mark.parametrize("served", [True], indirect=True)
@pytest.mark.parametrize("decision", ["approve", "decline"])
def test_a_second_person(served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, decision: str) -> None:
    asked = tlog("erase", *SUBJECT, *WHY, "--yes").out
    assert "another officer must run: tlog act approve " in asked
    said = tlog("erase", *SUBJECT, *WHY, "--yes", "--json").json
    assert said["status"] == "pending"
    assert "second person" in tlog("erase", "approve", said["act"], code=1).err
    monkeypatch.setenv("TLOG_TOKEN", served.service.made.token("eve", Role.DPO))
    ended = tlog("erase", decision, said["act"], "--json").json
    assert ended["state"] == ("done" if decision == "approve" else "declined")
