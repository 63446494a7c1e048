"""Rows with look-up columns, the database that holds them, and the naive answer to a look-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.facets import Facet
from tlog.storage.lookup.conditions import Conditions


@dataclass(frozen=True)
class Row:
    """What an entry is found by; `facet` None stands for a bare leaf."""

    facet: Facet | None
    persons: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()
    occurred_at: int = 0
    received_at: int = 0


def store(appends: AppendStore, rows: Sequence[Row], start: int = 0) -> None:
    """Append the rows; `start` is the index that the first one gets."""
    appends.append([SealedRequest([new_row(row, number) for number, row in enumerate(rows, start)], 0)])


def new_row(row: Row, number: int) -> NewRow:
    if row.facet is None:
        return NewRow(number.to_bytes(32))
    columns = {
        "entry_id": number.to_bytes(16),
        "source": row.facet.source,
        "seq": number,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "core": b"\x01core",
        "shared": None,
    }
    parts = [(part, key_id, b"\x01part") for part, key_id in enumerate(row.persons)]
    return NewRow(number.to_bytes(32), columns, parts, row.facet, row.terms)


def naive(rows: Sequence[Row], conditions: Conditions) -> list[int]:
    """Look at every row."""
    return [index for index in reversed(range(len(rows))) if matches(rows[index], conditions)]


def matches(row: Row, wanted: Conditions) -> bool:
    facet = row.facet
    if facet is None:
        return False
    action = wanted.action
    return all(
        (
            wanted.scope.covers(facet.source, facet.retention),
            set(wanted.persons) <= set(row.persons),
            set(wanted.terms) <= set(row.terms),
            wanted.source in {None, facet.source},
            wanted.outcome in {None, facet.outcome},
            wanted.retention in {None, facet.retention},
            action is None or facet.action == action or facet.action.startswith(f"{action}."),
            wanted.occurred is None or wanted.occurred.holds(row.occurred_at),
            wanted.received is None or wanted.received.holds(row.received_at),
        )
    )
