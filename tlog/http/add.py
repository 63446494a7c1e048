"""`POST /add`: append one leaf that its producer sealed, as public tools do; the answer is its index.

    POST /add                       the body is the leaf: 32 bytes, or at most 65,535 in a log of raw leaves
    Authorization: Bearer <token>   of a source
    200  text/plain                 "<decimal index>\\n", durable
    403  of a log that takes audit entries only, which is the default (`sealed_by_producers`)

A bare leaf has no id, so a retry appends it again. The fastest path of the log: a cached token, one body
read, one place in the sequencer's group.
"""

from __future__ import annotations

from aiohttp import web

from tlog.http.limits import MAX_LEAF_BODY_BYTES, BodyBudget
from tlog.http.metrics import Metrics
from tlog.http.noted import principal_of
from tlog.http.query import parse_query
from tlog.service.log import Log


class AddRoute:
    """The handler over one log."""

    def __init__(self, log: Log, bodies: BodyBudget, metrics: Metrics) -> None:
        self._log = log
        self._bodies = bodies
        self._metrics = metrics

    async def add(self, request: web.Request) -> web.Response:
        """Answer `POST /add`."""
        parse_query(request)
        principal = principal_of(request)
        self._log.leaves.require_taken()  # before the body is read
        with self._bodies.lease(principal.name) as lease:
            leaf = await lease.read(request, MAX_LEAF_BODY_BYTES)
            index = await self._log.leaves.append(leaf)
        self._metrics.appended.inc()
        return web.Response(body=b"%d\n" % index, content_type="text/plain", charset="utf-8")
