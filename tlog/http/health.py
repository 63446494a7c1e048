"""What the operator's machines ask.

    GET /healthz    200 while the process answers at all
    GET /readyz     200 if the log appends and publishes, 503 with the reason if not
    GET /metrics    Prometheus text format

None of them holds personal data; a proxy may still keep them from the public.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from tlog.errors import Unavailable
from tlog.http.answers.answer import json_answer
from tlog.http.answers.proofs import Ready
from tlog.http.metrics import Metrics
from tlog.http.query import parse_query
from tlog.http.running import publisher_of
from tlog.service.log import Log


class HealthRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    async def alive(self, request: web.Request) -> web.Response:
        """Answer `GET /healthz`."""
        parse_query(request)
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    async def ready(self, request: web.Request) -> web.Response:
        """Answer `GET /readyz`."""
        parse_query(request)
        reason = self._reason()
        return json_answer(Ready(ready=reason is None, reason=reason), status=503 if reason else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer `GET /metrics`."""
        parse_query(request)
        body = await asyncio.to_thread(self._metrics.text)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    def _reason(self) -> str | None:
        try:
            publisher = publisher_of(self._log)
        except Unavailable as error:
            return str(error)
        if publisher.halted:
            return f"the log halted: {publisher.problem}"
        return publisher.problem
