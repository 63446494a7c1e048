"""Look-up of appended entries: every filter agrees with reading and decrypting everything."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import NewUrl
from tests.support import TAKES_LEAVES, MadeLog, entry_document, make_log, running_log
from tlog.audit.entry import NDJSON
from tlog.audit.fields import microseconds
from tlog.audit.opened import OpenedEntry
from tlog.errors import CursorInvalid
from tlog.service.intake import AppendRequest
from tlog.service.lookup import LookUp
from tlog.service.lookup_filters import Filters
from tlog.service.own_entries import SERVICE
from tlog.storage.lookup.conditions import Window
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.roles import EVERYTHING, OWN_SOURCE, RowScope

RETENTIONS = ["standard", "long"]
ACTORS = [("employee", "e-1"), ("employee", "e-2"), ("service", "e-1"), ("employee", "p-1")]
SUBJECTS = ["p-1", "p-2", "p-3", "e-1"]
TARGETS = [("record", "r-1"), ("record", "r-2"), ("case", "r-1")]
CORRELATIONS = ["c-1", "c-2", "r-1"]
ACTIONS = ["patient.record", "patient.record.read", "patient.recorder", "billing.sent"]
OUTCOMES = ["allowed", "denied", "failed"]
DAYS = [f"2026-0{month}-0{day}T12:00:00Z" for month in (1, 2) for day in (1, 2, 3)] + ["9999-12-31T23:59:59.999999Z"]
ENTRIES, BATCHES = 300, 6


def documents(source: str, count: int, rng: random.Random) -> list[dict[str, Any]]:
    made = []
    for _ in range(count):
        kind, identity = rng.choice(ACTORS)
        made.append(
            entry_document(
                source=source,
                actor={"type": kind, "id": identity},
                action=rng.choice(ACTIONS),
                outcome=rng.choice(OUTCOMES),
                retention=rng.choice(RETENTIONS),
                occurred_at=rng.choice(DAYS),
                subjects=[{"id": one} for one in rng.sample(SUBJECTS, rng.randrange(3))],
                targets=[{"type": kind, "id": one} for kind, one in rng.sample(TARGETS, rng.randrange(3))],
                correlation={"trace_id": rng.choice(CORRELATIONS)} if rng.random() < 0.5 else None,
            )
        )
    return made


async def fill(folder: Path, urls: tuple[str, str]) -> None:
    rng = random.Random(3)
    async with running_log(folder, urls=urls, settings=TAKES_LEAVES) as made:
        for number in range(BATCHES):
            source = ("clinic", "shop")[number % 2]
            lines = "\n".join(json.dumps(one) for one in documents(source, ENTRIES // BATCHES, rng))
            await made.log.appender.append(AppendRequest(lines.encode(), NDJSON, frozenset({source})))
            await made.log.leaves.append(bytes([number] * 32))
            await made.log.acts.own.note(SERVICE, "tlog.test", {}, purpose="a test")


@pytest.fixture
def filled(new_url: NewUrl, tmp_path: Path) -> Iterator[MadeLog]:
    urls = (new_url(), new_url())
    asyncio.run(fill(tmp_path / "log", urls))
    made = make_log(tmp_path / "log", urls=urls)
    yield made
    made.close()


def read_all(made: MadeLog) -> list[tuple[int, dict[str, Any]]]:
    """Every entry, decrypted, newest first."""
    rows = list(made.log.store.entries_at(range(made.log.store.state().size)).values())
    opened = zip(rows, made.log.entries.open_all(rows), strict=True)
    return sorted(((row.index, one.entry) for row, one in opened if isinstance(one, OpenedEntry)), reverse=True)


def matches(entry: dict[str, Any], wanted: Filters) -> bool:
    action = wanted.action
    occurred, received = microseconds(entry["occurred_at"]), microseconds(entry["received_at"])
    return all(
        (
            wanted.actor is None or wanted.actor == (entry["actor"]["type"], entry["actor"]["id"]),
            wanted.subject is None or wanted.subject in [one["id"] for one in entry.get("subjects", ())],
            wanted.target is None or wanted.target in [(one["type"], one["id"]) for one in entry.get("targets", ())],
            action is None or entry["action"] == action or entry["action"].startswith(f"{action}."),
            wanted.source in {None, entry["source"]},
            wanted.outcome in {None, entry["outcome"]},
            wanted.retention in {None, entry["retention"]},
            wanted.correlation in {None, entry.get("correlation", {}).get("trace_id")},
            wanted.occurred is None or wanted.occurred.holds(occurred),
            wanted.received is None or wanted.received.holds(received),
        )
    )


def _maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.sampled_from(values)


_instants = st.sampled_from([None, *map(microseconds, DAYS)])
_windows = st.none() | st.builds(Window, _instants, _instants)
filters = st.builds(
    Filters,
    actor=_maybe([*ACTORS, ("employee", "nobody")]),
    subject=_maybe([*SUBJECTS, "nobody"]),
    target=_maybe([*TARGETS, ("record", "none")]),
    action=_maybe([*ACTIONS, "patient", "bill"]),
    source=_maybe(["clinic", "shop", "other", OWN_SOURCE]),
    outcome=_maybe(OUTCOMES),
    retention=_maybe(RETENTIONS),
    correlation=_maybe(CORRELATIONS),
    occurred=_windows,
    received=st.none() | st.just(Window(microseconds("2026-01-01T00:00:00Z"), None)) | st.just(Window(None, 5)),
)


def _some_of(*names: str) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(names), max_size=2)


scopes = st.just(EVERYTHING) | st.builds(
    RowScope, _some_of("clinic", "shop", "other", OWN_SOURCE), _some_of(*RETENTIONS), st.booleans()
)


def find(lookup: LookUp, wanted: Filters, limit: int, scope: RowScope = EVERYTHING) -> list[tuple[int, dict[str, Any]]]:
    """Follow the cursors to the end."""
    found: list[tuple[int, dict[str, Any]]] = []
    cursor = None
    while True:
        page = lookup.page(wanted, cursor, limit, scope)
        for one in page.entries:
            assert isinstance(one.opened, OpenedEntry)
            found.append((one.stored.index, one.opened.entry))
        cursor = page.next
        if cursor is None:
            return found


def test_every_filter_agrees_with_reading_everything(filled: MadeLog) -> None:
    everything = read_all(filled)
    assert len(everything) == ENTRIES + BATCHES
    log = filled.log

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters, scopes, st.integers(1, 80), st.sampled_from([30, 200, 20_000]))
    def agrees(wanted: Filters, scope: RowScope, limit: int, candidates: int) -> None:
        store = LookUpStore(filled.parts.database, candidates, 60)
        lookup = LookUp(store, log.store, log.entries, filled.parts.keyring)
        expected = [
            (index, entry)
            for index, entry in everything
            if matches(entry, wanted) and scope.covers(entry["source"], entry["retention"])
        ]
        assert find(lookup, wanted, limit, scope) == expected

    agrees()


def keys(made: MadeLog) -> int:
    with made.keyring_database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM person_keys").scalar_one())


async def test_asking_for_a_stranger_finds_nothing_and_makes_no_key(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        await made.log.appender.append(
            AppendRequest(json.dumps(entry_document()).encode(), NDJSON, frozenset({"clinic"}))
        )
        before = keys(made)
        for wanted in (Filters(subject="x"), Filters(actor=("employee", "x")), Filters(subject="e-1007")):
            page = made.log.lookup.page(wanted, None, 50)
            assert (page.entries, page.next, page.scanned) == ([], None, 0)
        assert keys(made) == before


async def test_a_cursor_belongs_to_its_filters(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        for _ in range(3):
            await made.log.appender.append(
                AppendRequest(json.dumps(entry_document()).encode(), NDJSON, frozenset({"clinic"}))
            )
        lookup = made.log.lookup
        cursor = lookup.page(Filters(source="clinic"), None, 1).next
        assert cursor is not None
        assert [one.stored.index for one in lookup.page(Filters(source="clinic"), cursor, 5).entries] == [1, 0]
        for other in (
            Filters(),
            Filters(source="shop"),
            Filters(retention="clinic"),
            Filters(source="clinic", action="a"),
        ):
            with pytest.raises(CursorInvalid, match="belongs to other filters"):
                lookup.page(other, cursor, 1)
        for changed in (
            cursor[:-2],
            cursor + "A",
            "é" * 22,
            "",
            "A" * 22,
            cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        ):
            with pytest.raises(CursorInvalid):
                lookup.page(Filters(source="clinic"), changed, 1)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (EVERYTHING, [3, 2, 1, 0]),
        (RowScope(own=False), [2, 1, 0]),
        (RowScope(frozenset({"clinic"}), own=False), [2, 0]),
        (RowScope(frozenset({"clinic", "shop"}), frozenset({"long"})), [2]),
        (RowScope(None, frozenset({"standard"}), own=False), [1, 0]),
        (RowScope(frozenset({"nobody"})), []),
        (RowScope(frozenset()), []),
    ],
)
async def test_who_is_limited_finds_what_is_within(tmp_path: Path, scope: RowScope, expected: list[int]) -> None:
    async with running_log(tmp_path) as made:
        for source, retention in (("clinic", "standard"), ("shop", "standard"), ("clinic", "long")):
            document = entry_document(source=source, retention=retention)
            request = AppendRequest(json.dumps(document).encode(), NDJSON, frozenset({source}))
            await made.log.appender.append(request)
        await made.log.acts.own.note(SERVICE, "tlog.test", {}, purpose="a test")
        lookup = made.log.lookup
        assert [index for index, _ in find(lookup, Filters(), 2, scope)] == expected
        of_a_person = [index for index, _ in find(lookup, Filters(subject="p-4711"), 2, scope)]
        assert of_a_person == [index for index in expected if index != 3]


async def test_a_cursor_belongs_to_the_rows_of_whoever_asked(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        for _ in range(3):
            document = entry_document()
            request = AppendRequest(json.dumps(document).encode(), NDJSON, frozenset({"clinic"}))
            await made.log.appender.append(request)
        mine, lookup = RowScope(frozenset({"clinic"})), made.log.lookup
        cursor = lookup.page(Filters(), None, 1, mine).next
        assert [one.stored.index for one in lookup.page(Filters(), cursor, 5, mine).entries] == [1, 0]
        for other in (
            EVERYTHING,
            RowScope(frozenset({"shop"})),
            RowScope(frozenset({"clinic"}), frozenset({"standard"})),
            RowScope(None, frozenset({"clinic"})),
            RowScope(frozenset({"clinic"}), own=False),
        ):
            with pytest.raises(CursorInvalid, match="belongs to other filters"):
                lookup.page(Filters(), cursor, 1, other)


async def test_who_is_known_by_name(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        request = AppendRequest(json.dumps(entry_document()).encode(), NDJSON, frozenset({"clinic"}))
        await made.log.appender.append(request)
        assert made.log.lookup.subject_key("p-4711") is not None
        for stranger in ("stranger", "e-1007"):
            assert made.log.lookup.subject_key(stranger) is None


async def test_a_shared_term_finds_nobody_elses_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms have 64 bits. Forced: every target has the same one."""
    async with running_log(tmp_path) as made:
        monkeypatch.setattr(type(made.parts.keyring._terms), "target", lambda _self, _kind, _identity: 7)
        for name in ("r-1", "r-2"):
            document = entry_document(targets=[{"type": "record", "id": name}])
            await made.log.appender.append(AppendRequest(json.dumps(document).encode(), NDJSON, frozenset({"clinic"})))
        page = made.log.lookup.page(Filters(target=("record", "r-1")), None, 50)
        assert [one.stored.index for one in page.entries] == [0]


def test_filters_do_not_show_what_they_say() -> None:
    assert "p-4711" not in f"{Filters(subject='p-4711')!r} {Filters(subject='p-4711')}"
