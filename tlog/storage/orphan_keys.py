"""Keys of persons of whom the log holds nothing any more, because everything expired."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, select

from tlog.storage.log_store import LogStore, many, next_epoch
from tlog.storage.tables import acts, holds, log_state, personal

_ROWS = 500


class OrphanKeys:
    """Finds keys that nothing is sealed under. Methods block."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._database = store.database

    def among(self, key_ids: Sequence[int]) -> list[int]:
        """Return those of the keys that no part, no active hold and no act under way needs."""
        with self._database.read() as connection:
            return _unused(connection, key_ids)

    def destroy(self, key_ids: Sequence[int], destroy: Callable[[Collection[int]], None]) -> int:
        """Destroy those of the keys that are still orphans, while nothing can be stored, and move the epoch on.

        Give it so few that appends may wait. `destroy` removes keys from the keyring, durable on return. What was
        sealed under them meanwhile is refused as stale afterwards and sealed again. A crash between the two: what was
        sealed is gone with the process.
        """
        with self._database.write() as connection:
            connection.execute(select(log_state.c.size).where(log_state.c.id == 1).with_for_update())
            unused = _unused(connection, key_ids)
            if not unused:
                return 0
            destroy(unused)
            epoch = next_epoch(connection)
        self._store.epoch_moved(epoch)
        return len(unused)


def _unused(connection: Connection, key_ids: Sequence[int]) -> list[int]:
    used: set[int] = set()
    for some in many(key_ids, _ROWS):
        for query in (
            select(personal.c.key_id).distinct().where(personal.c.key_id.in_(some)),
            select(holds.c.key_id).where(holds.c.key_id.in_(some), holds.c.lifted_at.is_(None)),
            select(acts.c.key_id).where(acts.c.key_id.in_(some), acts.c.state.in_(["pending", "begun", "applied"])),
        ):
            used.update(connection.execute(query).scalars())
    return [key_id for key_id in key_ids if key_id not in used]
