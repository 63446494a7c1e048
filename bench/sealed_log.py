"""A log of many really sealed entries in a folder: `python -m bench.sealed_log DIR --entries N`.

Sealing runs in worker processes, as in a served log; one writer stores groups through the log's own append store, so
every index, term and time block is as it would be. What differs while it is built: `synchronous` is off and SQLite's
page cache is large. Interrupted, it goes on where it stopped. The entries are spread evenly over the last 360 days.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from os import urandom
from pathlib import Path
from typing import Final

from sqlalchemy import event

from tlog.audit.entry import Actor, Correlation, Entry, Subject, Target, new_entry_id
from tlog.audit.fields import instant
from tlog.cli.config import Config
from tlog.cli.data_folder import open_folder
from tlog.cli.new_folder import make_folder
from tlog.formats.policy import NONE, Policy
from tlog.keys.keyring_recipe import KeyringRecipe
from tlog.service.log_parts import now_us
from tlog.service.sealer import Sealer
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.log_store import LogStore

SUBJECTS: Final = 200_000
ACTORS: Final = 2_000
TARGETS: Final = 1_000_000
ACTIONS: Final = [
    f"{area}.{thing}.{verb}"
    for area in ("patient", "billing", "admin", "lab")
    for thing in ("record", "account", "order", "image", "letter")
    for verb in ("read", "update", "export")
]
SOURCES: Final = [f"service-{number}" for number in range(12)]
CLASSES: Final = ("standard", "standard", "standard", "clinical", "short")
SPAN: Final = 360 * 86_400_000_000
_TASK: Final = 5_000
_MOMENT: Final = 250
"""Entries that are received at one moment: a small batch."""


def subject_id(rank: int) -> str:
    """Return the id of a subject; rank 0 has the most entries."""
    return f"p-{rank:06}"


def actor_id(rank: int) -> str:
    """Return the id of an actor; rank 0 has a tenth of all entries."""
    return f"e-{rank:04}"


def target_id(rank: int) -> str:
    """Return the id of a target."""
    return f"r-{rank:07}"


def skewed(rng: random.Random, count: int) -> int:
    """Return a rank below `count`; small ones are frequent, roughly as Zipf's law has it."""
    return int(count * rng.random() ** 4)


def entry(index: int, received_at: int, rng: random.Random) -> Entry:
    """Return entry `index` of the log. Entries of one in a hundred happened days earlier; one source lives in 1970."""
    source = SOURCES[index % len(SOURCES)]
    late = rng.randrange(5 * 86_400_000_000) if rng.random() < 0.01 else rng.randrange(5_000_000)
    occurred = rng.randrange(86_400_000_000) if source == SOURCES[-1] and rng.random() < 0.05 else received_at - late
    actor = 0 if rng.random() < 0.1 else skewed(rng, ACTORS)
    return Entry(
        schema=1,
        id=new_entry_id(),
        source=source,
        seq=index,
        occurred_at=instant(occurred),
        actor=Actor(type="employee", id=actor_id(actor), name=f"Employee Number {actor}", role="nurse"),
        action=ACTIONS[skewed(rng, len(ACTIONS))],
        outcome=rng.choices(("allowed", "denied", "failed"), (94, 4, 2))[0],
        purpose="treatment",
        targets=(Target(type="record", id=target_id(rng.randrange(TARGETS)), name="Record"),),
        subjects=(Subject(id=subject_id(skewed(rng, SUBJECTS))),),
        correlation=Correlation(trace_id=f"trace-{rng.getrandbits(64):016x}") if rng.random() < 0.2 else None,
        retention=CLASSES[rng.randrange(len(CLASSES))],
    )


def some_entries(size: int, blocks: int, rng: random.Random) -> list[Entry]:
    """Return what a log of this size has in blocks chosen at random, made anew: times and entry ids are others."""
    starts = [rng.randrange(size // _TASK + (size % _TASK > 0)) * _TASK for _ in range(blocks)]
    return [made for first in starts for made in _block(first, min(_TASK, size - first))]


def _block(first: int, count: int) -> Iterator[Entry]:
    rng = random.Random(first)  # noqa: S311 - made-up entries
    return (entry(index, SPAN, rng) for index in range(first, first + count))


def build(folder: Path, entries: int, workers: int = 2) -> None:
    """Make the log, or go on with it, until it has this many entries."""
    if not folder.exists():
        make_folder(folder, Config("bench.example/log"), Policy((), (), (), NONE))
    with open_folder(folder) as opened:
        database, recipe = opened.parts.database, opened.parts.keyring_recipe
        if recipe is None:
            raise ValueError("a data folder says how its keyring is opened")
        database.engine.dispose()  # so that every connection is a hurried one
        event.listen(database.engine, "connect", _hurry)
        store, done = AppendStore(database), LogStore(database).state().size
        begin = now_us() - SPAN
        started, first = time.monotonic(), done
        for rows in _sealed(recipe, done, entries, begin, workers):
            store.append([rows])
            done += len(rows.rows)
            _report(done, entries, (done - first) / (time.monotonic() - started))
    print(f"{folder}: {done} entries", file=sys.stderr)


def _sealed(recipe: KeyringRecipe, start: int, end: int, begin: int, workers: int) -> Iterator[SealedRequest]:
    """Yield sealed requests in the order of the log, a few ahead of the writer."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_open, initargs=(recipe,)) as pool:
        waiting: deque[Future[SealedRequest]] = deque()
        for first in range(start, end, _TASK):
            waiting.append(pool.submit(_seal, first, min(_TASK, end - first), end, begin))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_sealer: Sealer
_moment = 0


def _open(recipe: KeyringRecipe) -> None:
    global _sealer  # noqa: PLW0603 - one process, one sealer
    _sealer = Sealer(recipe.open(), lambda: _moment, urandom)


def _seal(first: int, count: int, total: int, begin: int) -> SealedRequest:
    global _moment  # noqa: PLW0603 - the sealer's clock
    rng = random.Random(first)  # noqa: S311 - made-up entries
    rows: list[NewRow] = []
    for start in range(first, first + count, _MOMENT):
        _moment = begin + SPAN * start // total
        some = range(start, min(start + _MOMENT, first + count))
        rows += _sealer.seal_rows([entry(index, _moment, rng) for index in some]).rows
    return SealedRequest(rows, 0)


def _hurry(connection: object, _record: object) -> None:
    for pragma in ("synchronous=OFF", "cache_size=-400000", "wal_autocheckpoint=20000"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _report(done: int, total: int, rate: float) -> None:
    if done % 100_000 < _TASK:
        left = (total - done) / rate
        print(f"{done} of {total}, {rate:.0f} entries/s, {left / 60:.0f} min left", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--entries", type=int, required=True)
    chosen = parser.parse_args()
    build(chosen.folder, chosen.entries)
