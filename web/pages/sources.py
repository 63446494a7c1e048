"""`/ui/sources`: what each source sent, and which of its numbers are missing."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.http.noted import note_read
from tlog.http.query import parse_query
from tlog.service.completeness import GRACE_SECONDS
from tlog.service.log import Log
from web.frame import Frame

PATIENCE: Final = 0.08


class SourcesPage:
    """The handler."""

    def __init__(self, log: Log, frame: Frame) -> None:
        self._log = log
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/sources`."""
        parse_query(request)
        reports = await self._log.completeness.reports(PATIENCE)
        note_read(request)
        now = self._log.acts.now()
        return self._frame.page(request, "sources.html", reports=reports, now=now, grace=GRACE_SECONDS // 60)
