"""Checkpoints, for anybody.

GET /checkpoint                              the published one, as a signed note (C2SP tlog-tiles)
GET /v1/checkpoints?from=&limit=&order=      every witnessed one, paged by size: ascending from `from`
                                             (default 0), or descending from it (default the newest)
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from tlog.audit.fields import instant
from tlog.errors import NotFound
from tlog.formats.encoding import b64encode
from tlog.http.answers.answer import json_answer
from tlog.http.answers.proofs import CheckpointAnswer, CheckpointPage
from tlog.http.proofs import A_FEW_SECONDS
from tlog.http.query import decimal, one_of, parse_query
from tlog.http.running import publisher_of
from tlog.service.log import Log
from tlog.storage.log_store import StoredCheckpoint

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
ORDERS: Final = ("asc", "desc")


class CheckpointRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def newest(self, request: web.Request) -> web.Response:
        """Answer `GET /checkpoint`."""
        parse_query(request)
        published = publisher_of(self._log).published
        if published is None:
            raise NotFound("no checkpoint is published yet")
        headers = {"Cache-Control": A_FEW_SECONDS}
        return web.Response(body=published.note, content_type="text/plain", charset="utf-8", headers=headers)

    async def page(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/checkpoints`."""
        query = parse_query(request, "from", "limit", "order")
        descending = one_of(query, "order", ORDERS, "asc") == "desc"
        limit = decimal(query, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT))
        start = decimal(query, "from") if "from" in query else None
        found = await asyncio.to_thread(self._find, start, limit + 1, descending)
        following = found[limit].size if len(found) > limit else None
        page = CheckpointPage(checkpoints=[_answer(stored) for stored in found[:limit]], next=following)
        return json_answer(page)

    def _find(self, start: int | None, limit: int, descending: bool) -> list[StoredCheckpoint]:
        store = self._log.store
        if descending and start == 0:  # to the store, 0 means "from the newest"
            return [stored for stored in store.checkpoints(limit=1) if stored.size == 0]
        return store.checkpoints(start=start or 0, limit=limit, descending=descending)


def _answer(stored: StoredCheckpoint) -> CheckpointAnswer:
    return CheckpointAnswer(
        size=stored.size,
        root=b64encode(stored.root),
        note=stored.note.decode(),
        signed_at=instant(stored.signed_at),
        witnessed_at=instant(stored.witnessed_at or 0),
    )
