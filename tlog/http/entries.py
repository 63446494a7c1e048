"""Audit entries: append them, read one back.

    POST /v1/entries                 one JSON object, an array, or NDJSON; all or nothing
        ?wait=durable|integrated|witnessed   how far the entries must be before the answer (default durable)
        ?timeout=<seconds>                   how long to wait for that (default 10, at most 60)
    201  the entries are stored (200: all of them were stored already, by id)
    202  stored, but the stage was not reached in time

    GET /v1/entries/{index}          what can still be read of an entry, for its source and for auditors

Whatever happens to the wait, what is durable is answered as stored: an error would say it was not.
"""

from __future__ import annotations

import asyncio
from typing import Final, get_args

from aiohttp import web

from tlog.audit.entry import JSON, NDJSON
from tlog.errors import Unavailable
from tlog.http.answers.answer import json_answer
from tlog.http.answers.entries import Appended, EntryAnswer, StoredEntryPlace
from tlog.http.auth import require_readable
from tlog.http.entry_answer import entry_answers
from tlog.http.errors import UnsupportedMedia
from tlog.http.limits import MAX_ENTRIES_BODY_BYTES, BodyBudget
from tlog.http.metrics import Metrics
from tlog.http.noted import note_read, principal_of
from tlog.http.query import decimal, one_of, parse_number, parse_query
from tlog.service.intake import AppendRequest
from tlog.service.log import Log, Stage
from tlog.service.principal import Principal
from tlog.service.readable import read_all

DEFAULT_WAIT_SECONDS: Final = 10
MAX_WAIT_SECONDS: Final = 60
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)


class EntryRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget, metrics: Metrics) -> None:
        self._log = log
        self._bodies = bodies
        self._metrics = metrics

    async def append(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/entries`."""
        query = parse_query(request, "wait", "timeout")
        wait = one_of(query, "wait", STAGES, "durable")
        seconds = decimal(query, "timeout", DEFAULT_WAIT_SECONDS, (0, MAX_WAIT_SECONDS))
        stored = await self._store(request, principal_of(request))
        stage, note = await self._wait(wait, max(place.index for place in stored) + 1, seconds)
        new = sum(not place.duplicate for place in stored)
        status = 202 if note else 201 if new else 200
        return json_answer(Appended(status=stage, entries=stored, note=note), status=status)

    async def read(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/{index}`."""
        parse_query(request)
        index = parse_number(request.match_info["index"], "index")
        principal = principal_of(request)
        note_read(request, [index])
        return json_answer(await asyncio.to_thread(self._open, index, principal))

    async def _store(self, request: web.Request, principal: Principal) -> list[StoredEntryPlace]:
        """Append the body's entries. Neither the body nor the entries outlive this: their memory is leased."""
        media_type = _media_type(request)
        with self._bodies.lease(principal.name) as lease:
            body = await lease.read(request, MAX_ENTRIES_BODY_BYTES)
            sources = principal.scope.sources or frozenset()
            placements = await self._log.appender.append(AppendRequest(body, media_type, sources))
            stored = [StoredEntryPlace(index=p.index, id=p.id, duplicate=p.duplicate) for p in placements]
        duplicates = sum(placement.duplicate for placement in placements)
        self._metrics.appended.inc(len(placements) - duplicates)
        self._metrics.duplicates.inc(duplicates)
        return stored

    async def _wait(self, wait: str, size: int, seconds: int) -> tuple[Stage, str | None]:
        stage = next(stage for stage in STAGES if stage == wait)
        try:
            async with asyncio.timeout(seconds):
                await self._log.wait(stage, size)
        except TimeoutError:
            return "durable", f"stored, but not {stage} within {seconds} seconds; it will be"
        except Unavailable as error:
            return "durable", str(error)
        return stage, None

    def _open(self, index: int, principal: Principal) -> EntryAnswer:
        stored = self._log.entries.stored(index)
        require_readable(principal, stored)
        return entry_answers(self._log, read_all([stored], self._log.entries, self._log.acts.store))[0]


def _media_type(request: web.Request) -> str:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in {JSON, NDJSON}:
        raise UnsupportedMedia(f"send entries as {JSON} (one object or an array) or {NDJSON}, one object a line")
    return media_type
