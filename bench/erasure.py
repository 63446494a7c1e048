"""What erasing a person costs, by the number of their entries; and how long its transactions keep appends waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.figure import Figure
from bench.place import make_log
from bench.run import Run
from tests.support import entry_document
from tlog.audit.entry import NDJSON
from tlog.cli.data_folder import open_folder
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.intake import AppendRequest
from tlog.service.log import Log
from tlog.service.log_parts import LogParts, now_us
from tlog.service.principal import of_token
from tlog.storage.database import Database
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

_BATCH: Final = 1_000


def erasure(run: Run) -> Iterator[Figure]:
    """Erase persons of ever more entries, each among as many entries of others."""
    for count in run.pick((1, 10, 100, 1_000, 10_000), (1, 10, 100)):
        folder = run.folder(f"erasure-{count}") / "log"
        make_log(folder)
        yield asyncio.run(_erased(folder, count))


async def _erased(folder: Path, count: int) -> Figure:
    with open_folder(folder) as opened:
        parts: LogParts = replace(opened.parts, settings=replace(opened.parts.settings, sealing_processes=0))
        token, _ = TokenStore(parts.database, now_us).issue(token_for(Role.DPO, "bench"))
        log = Log(parts)
        await log.start()
        await _fill(log, count)
        assert log.erasures is not None  # noqa: S101 - a data folder has records
        asked = ErasureRequest(Person("subject", "the-person"), "Art. 17(1)(b) GDPR", "bench")
        held: list[float] = []
        with _watched(parts.database, held):
            began = time.perf_counter()
            done = await log.erasures.request(asked, of_token(token))
            seconds = time.perf_counter() - began
        await log.stop()
    if (done.status, done.extent.entries) != ("done", count):
        raise RuntimeError(f"{done.status}, {done.extent.entries} entries")
    seen = {"longest transaction ms": max(held) * 1e3, "ms an entry": seconds / count * 1e3}
    return Figure(f"erasing a person of {count} entries", seconds * 1e3, "ms", {"others": count}, seen)


async def _fill(log: Log, count: int) -> None:
    for start in range(0, 2 * count, _BATCH):
        some = range(start, min(start + _BATCH, 2 * count))
        lines = [msgspec.json.encode(_document(number)) for number in some]
        await log.appender.append(AppendRequest(b"\n".join(lines), NDJSON, frozenset({"clinic"})))


def _document(number: int) -> dict[str, Any]:
    subject = "the-person" if number % 2 else f"other-{number}"
    return entry_document(subjects=[{"id": subject}], targets=[{"type": "record", "id": f"r-{number}"}])


@contextmanager
def _watched(database: Database, held: list[float]) -> Iterator[None]:
    """Record how long each writing transaction of a database is open."""
    write = database.write

    @contextmanager
    def timed() -> Iterator[Any]:
        with write() as connection:
            began = time.perf_counter()
            yield connection
        held.append(time.perf_counter() - began)

    database.write = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        database.write = write  # type: ignore[method-assign]
