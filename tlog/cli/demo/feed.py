"""Appends generated entries over HTTP, as the services would: each source with its own token, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from typing import Final

import aiohttp

from tlog.audit.entry import Entry
from tlog.cli.demo.concurrent import all_of
from tlog.cli.demo.entries import to_json
from tlog.cli.demo.stage import Stage
from tlog.client.client import LogClient
from tlog.client.ndjson import Line
from tlog.errors import NotFound, Unavailable
from tlog.formats.checkpoint import Checkpoint

BATCH: Final = 1000
WITNESSED_SECONDS: Final = 60.0
_ASK_AGAIN_SECONDS: Final = 0.05


class Feed:
    """The services' side of a demo, and the auditor's client."""

    def __init__(self, clients: dict[str, LogClient], auditor: LogClient) -> None:
        self._clients = clients
        self.auditor = auditor

    async def append(self, entries: Sequence[Entry]) -> dict[int, str]:
        """Append entries, one request for each source, and return their ids by index; durable on return."""
        by_source: dict[str, list[Line]] = {}
        for number, entry in enumerate(entries, 1):
            by_source.setdefault(entry.source, []).append(Line(number, entry.id, to_json(entry)))
        answers = await all_of(self._clients[source].append(lines) for source, lines in by_source.items())
        return {place.index: place.id for answer in answers for place in answer.entries}

    async def append_all(self, entries: Iterable[Entry], stored: Callable[[int], None]) -> dict[int, str]:
        """Append entries in batches, tell `stored` how many more are, and return all their ids by index."""
        ids: dict[int, str] = {}
        left = iter(entries)
        while batch := list(islice(left, BATCH)):
            ids |= await self.append(batch)
            stored(len(batch))
        return ids


@asynccontextmanager
async def open_feed(stage: Stage) -> AsyncIterator[Feed]:
    """Open a client for each source and one for the auditor."""
    async with AsyncExitStack() as stack:
        clients = {
            source: await stack.enter_async_context(LogClient(stage.log.url, token))
            for source, token in stage.tokens.items()
        }
        auditor = await stack.enter_async_context(LogClient(stage.log.url, stage.auditor))
        yield Feed(clients, auditor)


async def published(stage: Stage, client: LogClient, size: int, seconds: float = WITNESSED_SECONDS) -> Checkpoint:
    """Return the first published checkpoint of at least this size, as the policy accepts it.

    Raises `Unavailable` with the log's own reason if none comes within `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = await newest(stage, client)
                if found is not None and found.size >= size:
                    return found
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
    except TimeoutError:
        reason = await why_not_ready(stage)
        raise Unavailable(f"{size} entries were not witnessed within {seconds:g} seconds: {reason}") from None


async def newest(stage: Stage, client: LogClient) -> Checkpoint | None:
    """Return the published checkpoint, verified, or None before the first."""
    try:
        return stage.policy.verify_checkpoint(await client.checkpoint()).checkpoint
    except NotFound:
        return None


async def why_not_ready(stage: Stage) -> str:
    """Return what the log says about itself."""
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{stage.log.url}/readyz") as answer:
            found = await answer.json()
            return str(found.get("reason") or "the log says that it is ready")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"the log does not say why ({type(error).__name__})"
