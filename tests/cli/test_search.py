"""`tlog search` against a served log, in this process."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.http.own_entries import stored_acts
from tests.http.service import Service, serve
from tests.support import entry_document, running_log
from tlog.audit.entry import NDJSON
from tlog.cli.search_output import csv_row
from tlog.client.search import FoundEntry
from tlog.service.intake import AppendRequest
from tlog.storage.roles import Role


@dataclass(frozen=True)
class Served:
    """A log that a loop in another thread serves."""

    url: str
    auditor: str
    service: Service
    loop: asyncio.AbstractEventLoop

    def acts(self) -> list[tuple[int, str]]:
        """Index and action of the entries of acts."""
        return stored_acts(self.service.made)

    def append(self, *documents: dict[str, Any]) -> None:
        body = "\n".join(json.dumps(document) for document in documents).encode()
        request = AppendRequest(body, NDJSON, frozenset({documents[0]["source"]}))
        appender = self.service.made.log.appender
        asyncio.run_coroutine_threadsafe(appender.append(request), self.loop).result(20)


@contextmanager
def served_in_a_thread(folder: Path, **options: Any) -> Iterator[Served]:
    ready: list[Served] = []
    started, ended = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with running_log(folder, **options) as made, serve(made) as service:
            loop = asyncio.get_running_loop()
            auditor = made.token("an-auditor", Role.AUDITOR)
            ready.append(Served(f"http://127.0.0.1:{service.port}", auditor, service, loop))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(20)
    try:
        yield ready[0]
    finally:
        ready[0].loop.call_soon_threadsafe(ended.set)
        thread.join(20)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.auditor)
        yield made


def found(outcome: dict[str, Any]) -> list[int]:
    return [entry["index"] for entry in outcome["entries"]]


def test_filters_reach_the_log(tlog: Command, served: Served) -> None:
    served.append(
        entry_document(actor={"type": "employee", "id": "e-1"}, occurred_at="2026-01-10T00:00:00Z"),
        entry_document(subjects=[{"id": "p-2"}], outcome="denied", retention="long"),
        entry_document(targets=[{"type": "record", "id": "r-9"}], correlation={"trace_id": "t-1"}),
        entry_document(action="billing.sent"),
    )
    served.append(entry_document(source="shop"))
    for options, expected in (
        ((), [4, 3, 2, 1, 0]),
        (("--actor", "employee", "e-1"), [0]),
        (("--target", "record", "r-9"), [2]),
        (("--subject", "p-2"), [1]),
        (("--action", "billing"), [3]),
        (("--source", "shop"), [4]),
        (("--outcome", "denied"), [1]),
        (("--retention", "long"), [1]),
        (("--correlation", "t-1"), [2]),
        (("--occurred-from", "2026-01-10", "--occurred-to", "2026-01-11"), [0]),
        (("--received-from", "2020-01-01", "--received-to", "2021-01-01"), []),
        (("--subject", "p-4711", "--limit", 2), [4, 3]),
    ):
        assert found(tlog("search", *options, "--json").json) == expected, options


def test_it_follows_pages_and_goes_on_from_a_cursor(tlog: Command, served: Served) -> None:
    served.append(*(entry_document() for _ in range(620)))
    assert found(tlog("search", "--all", "--json").json) == list(range(619, -1, -1))
    first = tlog("search", "--limit", 510, "--json").json
    assert found(first) == list(range(619, 109, -1))
    rest = tlog("search", "--limit", 200, "--cursor", first["next"], "--json").json
    assert (found(rest), rest["next"]) == (list(range(109, -1, -1)), None)
    refused = tlog("search", "--source", "clinic", "--cursor", first["next"], "--json", code=1)
    assert "belongs to other filters" in refused.error["error"]


def test_the_table_is_whole_and_cannot_drive_the_terminal(tlog: Command, served: Served) -> None:
    long = "x" * 200
    served.append(
        entry_document(subjects=[{"id": long}], actor={"type": "a", "id": "red\u009b31m[bold]"}), entry_document()
    )
    shown = tlog("search")
    assert long in shown.out
    assert "red\\x9b31m[bold]" in shown.out
    assert "\u009b" not in shown.out
    lines = shown.out.splitlines()
    assert lines[0].split() == [
        "index",
        "occurred",
        "at",
        "source",
        "actor",
        "action",
        "outcome",
        "subjects",
        "targets",
    ]
    assert len(lines) == 3
    assert "no entry matches" in tlog("search", "--subject", "nobody").out
    more = tlog("search", "--limit", 1).err
    assert "there may be more" in more
    cursor = more.split("--cursor ")[1].split()[0]
    assert found(tlog("search", "--limit", 1, "--cursor", cursor, "--json").json) == [0]


def test_csv_is_quoted_and_safe_for_spreadsheets(tlog: Command, served: Served) -> None:
    served.append(
        entry_document(
            actor={"type": "employee", "id": '=cmd("x"),1', "name": "Ada"},
            purpose="+1",
            legal_basis="Art. 6",
            correlation={"trace_id": "t-1"},
            subjects=[{"id": "-2"}, {"id": "b"}],
        )
    )
    rows = list(csv.DictReader(io.StringIO(tlog("search", "--csv").out)))
    assert len(rows) == 1
    assert rows[0]["actor_id"] == '\'=cmd("x"),1'
    assert rows[0]["purpose"] == "'+1"
    assert json.loads(rows[0]["subjects"]) == ["-2", "b"]
    assert json.loads(rows[0]["targets"]) == [{"type": "record", "id": "r-55"}]
    assert rows[0]["index"] == "0"
    plain = ("actor_name", "legal_basis", "trace_id", "request_id", "expires_at", "on_hold")
    assert [rows[0][name] for name in plain] == ["Ada", "Art. 6", "t-1", "", "", "no"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "\t=", "\r@", " =", "   @"])
def test_no_cell_begins_as_a_formula(start: str) -> None:
    cells = csv_row(FoundEntry(3, {}, None, f"{start}1+1"))
    assert cells[0] == "3"
    assert not cells[-1].lstrip(" ").startswith(("=", "+", "-", "@", "＝", "\t", "\r"))


def test_a_damaged_entry_is_said_and_the_others_are_shown(tlog: Command, served: Served) -> None:
    served.append(*(entry_document() for _ in range(3)))
    with served.service.made.parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET core = zeroblob(length(core)) WHERE log_index = 1")
    outcome = tlog("search", "--json", code=1)
    assert found(outcome.json) == [2, 1, 0]
    assert "1 entry could not be shown" in outcome.error["error"]
    assert "stored-" in tlog("search", code=1).out
    assert "stored-" in tlog("search", "--csv", code=1).out


def test_a_source_finds_its_own(tlog: Command, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.append(entry_document())
    served.append(entry_document(source="shop"))
    monkeypatch.setenv("TLOG_TOKEN", served.service.made.token("shop"))
    assert found(tlog("search", "--json").json) == [1]
    assert "sources shop only" in tlog("search", "--source", "clinic", code=1).err


def test_wrong_usage(tlog: Command, served: Served) -> None:
    tlog("search", "--csv", "--json", code=2)
    tlog("search", "--actor", "employee", code=2)
    tlog("search", "--limit", 0, code=2)
    refused = tlog("search", "--occurred-from", "yesterday evening", code=2)
    assert "'--occurred-from': expected a time in UTC" in refused.err
    assert "yesterday" not in refused.err
    assert "'--outcome': one of" in tlog("search", "--outcome", "perhaps", code=2).err
    assert "give --all or --limit" in tlog("search", "--all", "--limit", 5, code=2).err
    assert "--subject-file" in tlog("search", "--subject", "a", "--subject-file", "b", code=2).err
    backwards = tlog("search", "--occurred-from", "2026-01-02", "--occurred-to", "2026-01-01", code=1).err
    assert backwards.startswith("tlog: --occurred-to: not after --occurred-from;")
    assert "--source: expected a source name" in tlog("search", "--source", "No!", code=1).err


def test_whose_data_may_come_from_a_file(
    tlog: Command, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.append(entry_document(), entry_document(subjects=[{"id": "p-2"}]))
    (tmp_path / "id").write_text("p-2\n")
    assert found(tlog("search", "--subject-file", tmp_path / "id", "--json").json) == [1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"p-4711\n")))
    assert found(tlog("search", "--subject-file", "-", "--json").json) == [0]


def test_an_entry_is_read_by_its_index_or_its_id(tlog: Command, served: Served) -> None:
    served.append(entry_document(), entry_document())
    by_index = tlog("get", 1, "--json").json
    named = by_index["entry"]["id"]
    assert tlog("get", named, "--json").json == by_index
    assert tlog("get", named.upper(), "--json").json == by_index
    assert "no entry has this id" in tlog("get", named[:-4] + "0000", code=1).err
    for bad in ("-1", "one", "01", named[:-1], str(2**63)):
        tlog("get", "--", bad, code=2)


def test_help_has_examples(tlog: Command) -> None:
    shown = tlog("search", "--help").out
    for said in ("Examples:", "--subject-file id.txt", "apostrophe", "Exit codes: 0 done", "--occurred-from"):
        assert said in shown
