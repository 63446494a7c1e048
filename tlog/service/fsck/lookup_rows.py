"""Do the rows that entries are found by agree with the entries, and is nothing left of what was erased or expired?

These are checks within the database; `sealed.py` compares with what the entries themselves say.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select, text, tuple_

from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.cohort_sizes import counted_sizes, sizes_in
from tlog.storage.database import Database
from tlog.storage.index_terms import TERM_BYTES, unpack_terms
from tlog.storage.tables import acts, entries, facets, personal, terms
from tlog.storage.time_blocks import BLOCK, DAY, OCCURRED, RECEIVED

_PAGE = 2000
_PAIRS = 200
_LEAF_ONLY = ("log_index", "leaf", "act")
_CLOCKS = {OCCURRED: "occurred_at", RECEIVED: "received_at"}

# Floored division: SQL's own rounds towards zero, which is wrong before 1970.
_SPANS = (
    "SELECT ({t} - (({t} % {day}) + {day}) % {day}) / {day} AS day, log_index / {block} AS block, "
    "min({t}) AS low, max({t}) AS high FROM entries WHERE entry_id IS NOT NULL GROUP BY 1, 2"
)
_UNCOVERED = (
    "SELECT count(*) FROM ({spans}) AS found LEFT JOIN time_blocks AS stored "
    "ON stored.clock = {clock} AND stored.day = found.day AND stored.block = found.block "
    'WHERE stored.block IS NULL OR stored."first" > found.low OR stored."last" < found.high'
)


def check_lookup_rows(database: Database, report: FsckReport, progress: Progress) -> None:
    """Check facets, terms, time blocks, sizes of cohorts and acts against the rows of `entries`."""
    with database.read() as connection:
        for query, problem in _counted():
            if count := connection.execute(query).scalar_one():
                report.problem(f"{count} {problem}")
        for clock, name in _CLOCKS.items():
            if count := connection.execute(text(_uncovered(clock, name))).scalar_one():
                report.problem(f"{count} time blocks are missing or too narrow for the '{name}' of their entries")
        if sizes_in(connection) != counted_sizes(connection):
            report.problem("the sizes of cohorts are not those of their entries; 'tlog migrate' counts them anew")
        _check_terms(connection, report, progress)


def _counted() -> list[tuple[Select[int], str]]:
    """Return queries that count what must not be, and what it is."""
    sealed = entries.c.entry_id.is_not(None)
    with_facet = entries.outerjoin(facets, entries.c.facet == facets.c.facet)
    with_entry = personal.join(entries, personal.c.log_index == entries.c.log_index)
    no_key, no_act = personal.c.key_id.is_(None), personal.c.act.is_(None)
    rest = or_(*(c.is_not(None) for c in entries.c if c.name not in _LEAF_ONLY))
    return [
        (_count(with_facet, sealed & facets.c.facet.is_(None)), "entries have no facet"),
        (_count(with_facet, facets.c.source != entries.c.source), "entries have the facet of another source"),
        (_count(entries, ~sealed & rest), "bare leaves or expired entries still have other columns"),
        (_count(entries, sealed & entries.c.terms.is_(None)), "entries have no index terms; 'tlog migrate' makes them"),
        (_count(with_entry, ~sealed), "personal parts are left of bare leaves or expired entries"),
        (
            _count(personal, or_(and_(no_key, no_act), and_(~no_key, ~no_act))),
            "personal parts are erased by no act, or still have a key although one erased them",
        ),
        (_orphan_act(entries.c.act, "expiry"), "entries name an expiry that is not among the acts"),
        (_orphan_act(entries.c.shared_act, "erasure"), "entries name an erasure that is not among the acts"),
        (_orphan_act(personal.c.act, "erasure"), "personal parts name an erasure that is not among the acts"),
    ]


def _count(source: Any, condition: Any) -> Select[int]:
    return select(func.count()).select_from(source).where(condition)


def _orphan_act(named: Any, kind: str) -> Select[int]:
    joined = named.table.outerjoin(acts, and_(acts.c.act == named, acts.c.kind == kind))
    return _count(joined, named.is_not(None) & acts.c.act.is_(None))


def _uncovered(clock: int, name: str) -> str:
    return _UNCOVERED.format(clock=clock, spans=_SPANS.format(t=name, day=DAY, block=BLOCK))


def _check_terms(connection: Connection, report: FsckReport, progress: Progress) -> None:
    """Every term of every row of `entries` has its row in `terms`, and there are no others."""
    expected = missing = 0
    last = connection.execute(select(func.max(entries.c.log_index))).scalar()
    for start in range(0, 0 if last is None else last + 1, _PAGE):
        query = select(entries.c.log_index, entries.c.terms).where(
            entries.c.log_index >= start, entries.c.log_index < start + _PAGE, func.length(entries.c.terms) > 0
        )
        pairs = [(term, row.log_index) for row in connection.execute(query) for term in _unpacked(row, report)]
        expected += len(pairs)
        missing += len(pairs) - _found(connection, pairs)
        progress("terms", min(start + _PAGE, (last or 0) + 1), (last or 0) + 1)
    stored = connection.execute(select(func.count()).select_from(terms)).scalar_one()
    if missing:
        report.problem(f"{missing} index terms of entries are missing from the index")
    if stored > expected - missing:
        report.problem(f"{stored - expected + missing} rows of the index belong to no term of their entry")


def _unpacked(row: Any, report: FsckReport) -> tuple[int, ...]:
    if not isinstance(row.terms, bytes) or len(row.terms) % TERM_BYTES:
        report.problem(f"entry {row.log_index}: its index terms are no whole number of terms")
        return ()
    return unpack_terms(row.terms)


def _found(connection: Connection, pairs: list[tuple[int, int]]) -> int:
    count = 0
    for start in range(0, len(pairs), _PAIRS):
        some = tuple_(terms.c.term, terms.c.log_index).in_(pairs[start : start + _PAIRS])
        count += connection.execute(_count(terms, some)).scalar_one()
    return count
