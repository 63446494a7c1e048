"""Every filter and every combination agrees with a naive scan, on both databases and whatever the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.lookup_material import Row, naive, store
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.storage.append_store import AppendStore
from tlog.storage.database import Database
from tlog.storage.facets import Facet
from tlog.storage.log_store import LogStore
from tlog.storage.lookup import facet_stream, scan
from tlog.storage.lookup.conditions import Conditions, Window
from tlog.storage.lookup.row_stream import Rows
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.roles import EVERYTHING, OWN_SOURCE, RowScope
from tlog.storage.tables import log_metadata
from tlog.storage.time_blocks import DAY

SOURCES = ("clinic", "shop", OWN_SOURCE)
ACTIONS = ("patient", "patient.record", "patient.record.read", "patient.recordx", "patient_record", "patientxrecord")
OUTCOMES = ("allowed", "denied")
CLASSES = ("standard", "long")

_facets = st.builds(Facet, *map(st.sampled_from, (SOURCES, ACTIONS, OUTCOMES, CLASSES)))
_people = st.lists(st.integers(1, 4), unique=True, max_size=3).map(tuple)
_terms = st.lists(st.sampled_from((-(2**63), -5, 0, 7, 2**63 - 1)), unique=True, max_size=3).map(tuple)
_times = st.integers(-3, 3).map(lambda day: day * DAY) | st.integers(-2 * DAY, 2 * DAY) | st.just(250_000 * DAY)
_rows = st.builds(Row, st.none() | _facets, _people, _terms, _times, _times)


@st.composite
def _windows(draw: st.DrawFn) -> Window:
    start, end = draw(st.none() | _times), draw(st.none() | _times)
    return Window(start, end if end is None or start is None or end > start else start + 1)


def _some_of(*names: str) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(names), max_size=2)


_scopes = st.just(EVERYTHING) | st.builds(
    RowScope, _some_of(*SOURCES, "none"), _some_of(*CLASSES, "none"), st.booleans()
)
_conditions = st.builds(
    Conditions,
    st.lists(st.integers(1, 5), unique=True, max_size=2).map(tuple),
    st.lists(st.sampled_from((-(2**63), 0, 7, 9)), unique=True, max_size=2).map(tuple),
    st.none() | st.sampled_from((*SOURCES, "none")),
    st.none() | st.sampled_from((*ACTIONS, "patient.rec")),
    st.none() | st.sampled_from(OUTCOMES),
    st.none() | st.sampled_from(CLASSES),
    st.none() | _windows(),
    st.none() | _windows(),
    _scopes,
)


def empty(database: Database) -> None:
    with database.write() as connection:
        for table in reversed(log_metadata.sorted_tables):
            connection.execute(table.delete())
    LogStore(database).create("example.com/log", EMPTY_ROOT)


def pages(lookup: LookUpStore, conditions: Conditions, limits: Sequence[int]) -> list[int]:
    """Follow `next` to the end and return everything found."""
    found: list[int] = []
    below: int | None = None
    for number in count():
        limit = limits[number % len(limits)]
        page = lookup.page(conditions, below, limit)
        assert len(page.indices) <= limit
        assert all(below is None or index < below for index in page.indices)
        found += page.indices
        if page.next is None:
            return found
        assert page.next < (2**62 if below is None else below)
        below = page.next
    raise AssertionError("count() ended")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_look_up_agrees_with_a_naive_scan(
    database: Database, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """Rows are spread over several blocks by stretches of one and the same row; rows are walked, or checked."""
    monkeypatch.setattr(scan, "_DENSE", data.draw(st.sampled_from([0, 600, 1 << 20])))
    monkeypatch.setattr(Rows, "widest", data.draw(st.sampled_from([100, 1 << 16])))
    empty(database)
    runs = data.draw(st.lists(st.tuples(_rows, st.sampled_from([1, 1, 1, 3, 700])), min_size=1, max_size=12))
    rows = [row for row, times in runs for _ in range(times)]
    store(AppendStore(database), rows)
    for conditions in data.draw(st.lists(_conditions, min_size=4, max_size=8)):
        limits = data.draw(st.lists(st.integers(1, 600), min_size=1, max_size=3))
        candidates = data.draw(st.sampled_from([1, 40, 1000, 20_000]))
        if candidates < 1000:
            limits = [limit + 50 for limit in limits]
        expected = naive(rows, conditions)
        assert pages(LookUpStore(database, candidates, 60), conditions, limits) == expected, conditions


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_many_facets_agree_too(database: Database, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    """With a limit of 2 facets almost every look-up takes the ways made for thousands."""
    monkeypatch.setattr(facet_stream, "FEW_FACETS", 2)
    monkeypatch.setattr(facet_stream, "_LISTED", 1)
    monkeypatch.setattr(facet_stream, "_SEEKS", 1)
    monkeypatch.setattr(facet_stream, "_PIECE", 20)
    monkeypatch.setattr(facet_stream, "_FIRST_WIDTH", 64)
    empty(database)
    runs = data.draw(st.lists(st.tuples(_rows, st.sampled_from([1, 1, 2, 300])), min_size=1, max_size=14))
    rows = [row for row, times in runs for _ in range(times)]
    store(AppendStore(database), rows)
    for conditions in data.draw(st.lists(_conditions, min_size=4, max_size=8)):
        expected = naive(rows, conditions)
        assert pages(LookUpStore(database, 400, 60), conditions, [90]) == expected, conditions


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (EVERYTHING, [4, 3, 2, 1, 0]),
        (RowScope(own=False), [3, 2, 1, 0]),
        (RowScope(frozenset({"shop"}), own=False), [3, 1]),
        (RowScope(frozenset({"shop", OWN_SOURCE}), own=False), [3, 1]),
        (RowScope(None, frozenset({"long"}), own=False), [3, 2]),
        (RowScope(frozenset({"shop"}), frozenset({"long"})), [3]),
        (RowScope(frozenset()), []),
        (RowScope(frozenset({"none"})), []),
    ],
)
def test_a_scope_limits_whatever_is_asked(database: Database, scope: RowScope, expected: list[int]) -> None:
    kinds = [
        ("clinic", "standard"),
        ("shop", "standard"),
        ("clinic", "long"),
        ("shop", "long"),
        (OWN_SOURCE, "standard"),
    ]
    rows = [Row(Facet(source, "a", "allowed", retention), (1,), (5,)) for source, retention in kinds]
    store(AppendStore(database), [*rows, Row(None)])
    for conditions in (Conditions(), Conditions(persons=(1,)), Conditions(terms=(5,)), Conditions(action="a")):
        page = LookUpStore(database).page(replace(conditions, scope=scope), None, 9)
        assert page.indices == expected, conditions


def test_pages_do_not_move_while_entries_are_appended(database: Database) -> None:
    appends, lookup = AppendStore(database), LookUpStore(database)
    row = Row(Facet("clinic", "a", "allowed", "standard"), (1,))
    store(appends, [row] * 10)
    conditions = Conditions(persons=(1,))
    first = lookup.page(conditions, None, 4)
    store(appends, [row] * 3, 10)
    second = lookup.page(conditions, first.next, 4)
    assert (first.indices, second.indices) == ([9, 8, 7, 6], [5, 4, 3, 2])
    assert lookup.page(conditions, second.next, 4).indices == [1, 0]
    assert lookup.page(conditions, second.next, 4).next is None


def test_a_page_that_ends_with_the_last_match_is_the_last(database: Database) -> None:
    store(AppendStore(database), [Row(Facet("clinic", "a", "allowed", "standard"), (1,), (5,))] * 4)
    for conditions in (Conditions(), Conditions(persons=(1,)), Conditions(persons=(1,), terms=(5,), source="clinic")):
        page = LookUpStore(database).page(conditions, None, 4)
        assert (page.indices, page.next) == ([3, 2, 1, 0], None)


def test_nothing_matches_costs_nothing(database: Database) -> None:
    store(AppendStore(database), [Row(Facet("clinic", "a", "allowed", "standard"), (1,))] * 2000)
    for conditions in (Conditions(persons=(2,)), Conditions(terms=(1,)), Conditions(source="x"), Conditions((1, 2))):
        assert LookUpStore(database).page(conditions, None, 50).scanned == 0


def test_an_empty_log_has_one_empty_page(database: Database) -> None:
    page = LookUpStore(database).page(Conditions(), None, 50)
    assert (page.indices, page.next, page.scanned) == ([], None, 0)
