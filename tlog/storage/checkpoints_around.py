"""The witnessed checkpoints around entries: the last that does not contain one yet, and the first that does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, column, func, select, values

from tlog.storage.log_store import LogStore, StoredCheckpoint
from tlog.storage.tables import checkpoints

_AT_ONCE: Final = 250  # indices in one statement; SQLite takes 999 parameters at least


@dataclass(frozen=True, slots=True)
class Around:
    """`before` has at most `index` leaves and `covering` more; None where there is none yet."""

    before: StoredCheckpoint | None
    covering: StoredCheckpoint | None


def checkpoints_around(store: LogStore, indices: Iterable[int]) -> dict[int, Around]:
    """Return the witnessed checkpoints next to each index: one statement for every 250 indices, and their notes."""
    wanted = sorted(set(indices))
    found: dict[int, tuple[int | None, int | None]] = {}
    with store.database.read() as connection:
        for at in range(0, len(wanted), _AT_ONCE):
            found.update(_sizes(connection, wanted[at : at + _AT_ONCE]))
    by_size = store.checkpoints_of({size for sizes in found.values() for size in sizes if size is not None})
    return {
        index: Around(*(None if size is None else by_size[size] for size in sizes)) for index, sizes in found.items()
    }


def _sizes(connection: Connection, indices: Sequence[int]) -> dict[int, tuple[int | None, int | None]]:
    asked = values(column("log_index", BigInteger), name="asked").data([(index,) for index in indices]).cte()
    size, witnessed = checkpoints.c.size, checkpoints.c.witnessed_at.is_not(None)
    before = select(func.max(size)).where(witnessed, size <= asked.c.log_index).scalar_subquery()
    covering = select(func.min(size)).where(witnessed, size > asked.c.log_index).scalar_subquery()
    rows = connection.execute(select(asked.c.log_index, before, covering)).all()
    return {int(index): (before, covering) for index, before, covering in rows}
