"""The witness over HTTP (C2SP tlog-witness, "HTTP Interface"). Submission and monitoring prefix are the same.

    POST /add-checkpoint               cosign a checkpoint
    GET  /<origin hash>/checkpoint     the latest cosigned checkpoint of a log
    GET  /healthz /readyz /metrics     for the operator

The table `STATUSES` is the only place where an outcome becomes a status code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from tlog.errors import (
    ClockBehind,
    ConsistencyInvalid,
    Malformed,
    NotFound,
    NoTrustedSignature,
    OriginUnknown,
    Overloaded,
    SignatureInvalid,
    StorageFault,
    TlogError,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from tlog.formats.add_checkpoint import SIZE_MEDIA_TYPE, encode_size_body
from witness.bodies import BodyBudget, Lease
from witness.connection import Connection
from witness.errors import (
    ExtensionsUnsigned,
    Halted,
    InternalFault,
    OldSizeAhead,
    OldSizeMismatch,
    RequestTimeout,
    RootInvalid,
)
from witness.group_commit import GroupCommit
from witness.metrics import Metrics
from witness.refusal_log import RefusalLog
from witness.server_log import LOGGER
from witness.witness import Witness

STATUSES: Final[dict[type[TlogError], int]] = {
    Malformed: 400,
    OldSizeAhead: 400,
    OriginUnknown: 404,
    NoTrustedSignature: 403,
    SignatureInvalid: 403,
    ExtensionsUnsigned: 403,
    TooManyRequests: 429,
    OldSizeMismatch: 409,
    RootInvalid: 422,
    ConsistencyInvalid: 422,
    ClockBehind: 503,
    # beyond the specification
    NotFound: 404,
    RequestTimeout: 408,
    TooLarge: 413,
    InternalFault: 500,
    Halted: 503,
    Overloaded: 503,
    StorageFault: 503,
    Unavailable: 503,
}
SERVER: Final[dict[str, Any]] = {"access_log": None, "auto_decompress": False, "logger": LOGGER}
MONITORING_MAX_AGE = 5
"""Seconds a cache may keep a cosigned checkpoint; tlog-witness allows an hour."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status_of(error: TlogError) -> int:
    """Return the status of an outcome, or of its nearest ancestor in the table; 500 for a stranger."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def refusal(error: TlogError) -> web.Response:
    """Return the answer for an outcome that is not 200."""
    status = status_of(error)
    if isinstance(error, OldSizeMismatch):
        return web.Response(status=status, body=encode_size_body(error.known), content_type=SIZE_MEDIA_TYPE)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after)
    return web.Response(status=status, text=f"{error}\n", headers=headers)


class Routes:
    """The handlers over one witness. `body_seconds` is how long a client may take to send its request."""

    def __init__(
        self, witness: Witness, group: GroupCommit, metrics: Metrics, body_seconds: float, refusals: RefusalLog
    ) -> None:
        self._witness = witness
        self._group = group
        self._metrics = metrics
        self._body_seconds = body_seconds
        self._refusals = refusals
        self._bodies = BodyBudget()

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        """Answer `POST /add-checkpoint`."""
        body = b""
        try:
            with self._bodies.lease() as lease:
                body = await self._read(request, lease)
                with self._metrics.seconds.time():
                    lines = await self._group.submit(body)
            response = web.Response(body=lines, content_type="text/plain", charset="utf-8")
        except TlogError as error:
            response = refusal(error)
            self._refusals.report(body, response.status, error)
            if isinstance(error, RequestTimeout):
                response.force_close()  # the rest of the body may still come, or never
        self._metrics.requests.labels(response.status).inc()
        return response

    async def checkpoint(self, request: web.Request) -> web.Response:
        """Answer `GET /<origin hash>/checkpoint`."""
        note = await asyncio.to_thread(self._witness.monitored, request.match_info["origin_hash"])
        if note is None:
            raise NotFound("this witness has cosigned no checkpoint for this origin hash")
        headers = {"Cache-Control": f"max-age={MONITORING_MAX_AGE}"}
        return web.Response(body=note, content_type="text/plain", charset="utf-8", headers=headers)

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer that the process runs."""
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        """Answer whether a good request would be cosigned now."""
        await asyncio.to_thread(self._witness.check_ready)
        return web.Response(text="ready\n")

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer the Prometheus text format."""
        try:
            await asyncio.to_thread(self._witness.check_ready)
            self._metrics.ready.set(1)
        except TlogError:
            self._metrics.ready.set(0)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _read(self, request: web.Request, lease: Lease) -> bytes:
        try:
            async with asyncio.timeout(self._body_seconds):
                return await lease.read(request)
        except TimeoutError as error:
            raise RequestTimeout(f"the request did not arrive within {self._body_seconds:g} seconds") from error


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn the project's errors into answers."""
    if isinstance(request.protocol, Connection):
        request.protocol.request_came()
    try:
        return await handler(request)
    except TlogError as error:
        return refusal(error)


def make_app(
    witness: Witness,
    group: GroupCommit,
    metrics: Metrics,
    body_seconds: float = 10,
    refusal_log: RefusalLog | None = None,
) -> web.Application:
    """Return the application. The caller closes `group` after the application is cleaned up."""
    routes = Routes(witness, group, metrics, body_seconds, refusal_log or RefusalLog())
    app = web.Application(middlewares=[refusals], handler_args=SERVER)
    app.router.add_post("/add-checkpoint", routes.add_checkpoint)
    app.router.add_get("/{origin_hash:[0-9a-f]{64}}/checkpoint", routes.checkpoint)
    app.router.add_get("/healthz", routes.healthz)
    app.router.add_get("/readyz", routes.readyz)
    app.router.add_get("/metrics", routes.metrics)
    return app
