"""Leaves a second of `tlog fsck`: everything recomputed, from the database up and from the tiles up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.batches import BATCH, append_batches
from bench.figure import Figure
from bench.generator import LoadFailed
from bench.place import new_log
from bench.run import Run
from bench.sample_entries import ndjson_batches
from tlog.cli.data_folder import open_folder
from tlog.service.fsck.run import fsck


def audit(run: Run) -> Iterator[Figure]:
    """Audit the large log of raw leaves, and a smaller one of sealed entries, each of which is opened."""
    yield _audit("fsck, raw leaves", run.large_log, run.large_size)
    entries = run.pick(20, 5) * BATCH
    with new_log(run.folder("fsck")) as place:
        append_batches(place, ndjson_batches(entries // BATCH, BATCH))
        place.wait_published(entries)
        place.log.stop()
    yield _audit("fsck, sealed entries opened", place.folder, entries)


def _audit(name: str, folder: Path, size: int) -> Figure:
    cpu, began = time.process_time(), time.perf_counter()
    with open_folder(folder) as opened:
        report = fsck(opened.parts, lambda *_: None)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if not report.ok or report.size != size:
        raise LoadFailed(f"fsck of {report.size} leaves found {report.problem_count} problems: {report.problems[:3]}")
    return Figure(name, size / seconds, "leaves/s", {"leaves": size}, {"cpu us/leaf": cpu / size * 1e6})
