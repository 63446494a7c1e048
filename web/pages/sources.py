"""`/ui/sources`: what each source sent, and which of its numbers are missing."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.http.noted import note_read, principal_of
from tlog.http.query import parse_query
from tlog.http.sources import within
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
        known = await self._log.completeness.reports(PATIENCE)
        reports = None if known is None else within(known, principal_of(request).scope)
        note_read(request)
        now = self._log.acts.now()
        return self._frame.page(request, "sources.html", reports=reports, now=now, grace=GRACE_SECONDS // 60)
