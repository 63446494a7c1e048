"""What look-up costs an append: rows stored a second with every index, and without any of them.

The figure is storing alone, in groups of 1,000 rows sealed beforehand; sealing is beside it. "Without" is the same log
with the indexes of its rows dropped, by facet, by person's key and by time, and rows that have no terms and no times.

`python -m bench.index_cost DIR` measures it on a log that `bench.sealed_log` made, which is good for nothing else
afterwards: hand over a copy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import urandom
from pathlib import Path
from random import Random
from typing import Final

from bench import sealed_log
from bench.figure import Figure
from bench.report import figure_text
from bench.run import Run
from tlog.audit.entry import Entry
from tlog.cli.data_folder import open_folder
from tlog.service.log_parts import now_us
from tlog.service.sealer import Sealer
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore
from tlog.storage.tables import entries, personal
from tlog.storage.time_blocks import SpanWriter

_GROUP: Final = 1_000


class _NoSpans(SpanWriter):
    """Stores no times."""

    def add(self, connection: object, spans: object) -> None:
        """Do nothing."""


def index_cost(run: Run) -> Iterator[Figure]:
    """Store the same number of new entries into a small and into a large log, with the indexes and without."""
    for existing in run.pick((10_000, 1_000_000), (2_000, 20_000)):
        folder = run.folder(f"index-{existing}") / "log"
        sealed_log.build(folder, existing)
        yield from compare(folder, run.pick(50_000, 4_000))


def compare(folder: Path, rows: int) -> Iterator[Figure]:
    """Store so many rows into a log twice; the second time without its indexes, which stay away."""
    yield _stored(folder, rows, indexed=True)
    yield _stored(folder, rows, indexed=False)


def _stored(folder: Path, count: int, *, indexed: bool) -> Figure:
    with open_folder(folder) as opened:
        database = opened.parts.database
        existing = LogStore(database).state().size
        sealer = Sealer(opened.parts.keyring, now_us, urandom)
        made = _entries(existing, count)
        began = time.perf_counter()
        rows = sealer.seal_rows(made).rows
        sealing = time.perf_counter() - began
        store = AppendStore(database)
        if not indexed:
            rows = [replace(row, terms=()) for row in rows]
            _drop(database)
            store._inserts.spans = _NoSpans(database.engine.dialect)
        cpu = time.process_time()
        seconds = _timed(store, rows)
        cpu = time.process_time() - cpu
    kind = "with" if indexed else "without"
    seen = {
        "us/row": seconds / count * 1e6,
        "cpu us/row": cpu / count * 1e6,
        "sealing us/row": sealing / count * 1e6,
        "sealed and stored by one thread, rows/s": count / (seconds + sealing),
    }
    return Figure(f"rows stored {kind} indexes", count / seconds, "rows/s", {"existing": existing, "rows": count}, seen)


def _entries(first: int, count: int) -> list[Entry]:
    rng = Random(first)  # noqa: S311 - made-up entries
    return [sealed_log.entry(index, now_us(), rng) for index in range(first, first + count)]


def _timed(store: AppendStore, rows: Sequence[NewRow]) -> float:
    began = time.perf_counter()
    for start in range(0, len(rows), _GROUP):
        store.append([SealedRequest(rows[start : start + _GROUP], 0)])
    return time.perf_counter() - began


def _drop(database: Database) -> None:
    """Drop every index that look-up alone needs: all of the tables of rows but keys and unique constraints."""
    with database.write() as connection:
        for index in (*entries.indexes, *personal.indexes):
            index.drop(connection)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--rows", type=int, default=50_000)
    chosen = parser.parse_args()
    for figure in compare(chosen.folder, chosen.rows):
        print(figure_text(figure), flush=True)
