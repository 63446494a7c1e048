"""`/ui/tokens`: who may show what to be let in, and as what."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from tlog.http.noted import note_read
from tlog.http.query import parse_query
from tlog.service.log import Log
from tlog.service.principal import RIGHTS
from web.frame import Frame

MAX_SHOWN: Final = 500


class TokensPage:
    """The handler."""

    def __init__(self, log: Log, frame: Frame) -> None:
        self._log = log
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/tokens`."""
        parse_query(request)
        tokens = (await asyncio.to_thread(self._log.tokens.all))[::-1]
        note_read(request)
        rights = {str(role): sorted(map(str, rights)) for role, rights in RIGHTS.items()}
        shown, more = tokens[:MAX_SHOWN], max(len(tokens) - MAX_SHOWN, 0)
        now = self._log.acts.now()
        return self._frame.page(request, "tokens.html", tokens=shown, more=more, rights=rights, now=now)
