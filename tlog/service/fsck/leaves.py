"""From the database up: are the leaves all there, and do they hash to every root that was ever signed?"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from tlog.errors import StorageFault
from tlog.merkle.builder import TreeBuilder
from tlog.merkle.hashing import leaf_hash
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore, StoredCheckpoint
from tlog.storage.tables import entries, personal

_CHUNK = 16_384


def check_rows(database: Database, store: LogStore, report: FsckReport) -> None:
    """Check that indices run from 0 to the size without gaps, and that no part lacks its entry."""
    state = store.state()
    report.size = state.size
    with database.read() as connection:
        count, first, last = connection.execute(
            select(func.count(), func.min(entries.c.log_index), func.max(entries.c.log_index)).select_from(entries)
        ).one()
        orphans = connection.execute(
            select(func.count())
            .select_from(personal.outerjoin(entries, personal.c.log_index == entries.c.log_index))
            .where(entries.c.log_index.is_(None))
        ).scalar_one()
    if count != state.size or (count and (first, last) != (0, state.size - 1)):
        report.problem(f"{count} entries with indices {first} to {last} where the state says 0 to {state.size - 1}")
    if orphans:
        report.problem(f"{orphans} personal parts belong to no entry")


def check_roots(store: LogStore, report: FsckReport, progress: Progress) -> None:
    """Hash every leaf and compare the root at the size of each signed checkpoint, and of the integrated tree."""
    state = store.state()
    builder = TreeBuilder()
    try:
        for checkpoint in store.all_checkpoints():
            _extend(store, builder, checkpoint.size, report, progress)
            _compare(builder, checkpoint, report)
        _extend(store, builder, max(state.integrated_size, builder.size), report, progress)
        if builder.size == state.integrated_size and builder.root() != state.integrated_root:
            report.problem(f"the leaves do not hash to the root recorded for the {builder.size} integrated ones")
        _extend(store, builder, state.size, report, progress)
    except StorageFault as fault:
        report.problem(str(fault))


def _extend(store: LogStore, builder: TreeBuilder, size: int, report: FsckReport, progress: Progress) -> None:
    for start, end in _pieces(builder.size, size):
        builder.extend([leaf_hash(leaf) for leaf in store.leaves(start, end)])
        report.leaves = end
        progress("leaves", end, max(report.size, size))


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min(end, (start // _CHUNK + 1) * _CHUNK)
        yield start, stop
        start = stop


def _compare(builder: TreeBuilder, checkpoint: StoredCheckpoint, report: FsckReport) -> None:
    if builder.size == checkpoint.size and builder.root() != checkpoint.root:
        report.problem(f"the leaves do not hash to the root of the signed checkpoint of size {checkpoint.size}")
