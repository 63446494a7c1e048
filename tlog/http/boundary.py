"""The one middleware: every answer leaves through here with its headers, every error becomes a problem.

Kept small, since every append passes it: no allocation but the answer's headers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

from aiohttp import web

from tlog.errors import TlogError
from tlog.http import problem
from tlog.http.connection import Connection
from tlog.http.headers import HEADERS, TRANSPORT_SECURITY
from tlog.http.metrics import Metrics

_METHODS: Final = frozenset({"GET", "HEAD", "POST"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def boundary(metrics: Metrics) -> Any:
    """Return the middleware."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = perf_counter()
        if isinstance(request.protocol, Connection):
            request.protocol.request_came()
        try:
            response = await handler(request)
        except TlogError as error:
            metrics.count_refusal(problem.kind_of(error).slug)
            response = problem.refusal(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = problem.unrouted(error)
        except Exception as error:
            metrics.count_refusal("internal")
            response = problem.unexpected(error)
        if not response.prepared:
            _secure(request, response)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unrouted"
        method = request.method if request.method in _METHODS else "other"
        metrics.count(method, route, response.status, perf_counter() - start)
        return response

    return guard


def _secure(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    for name, value in HEADERS:
        headers.setdefault(name, value)
    if request.secure:
        headers.setdefault(*TRANSPORT_SECURITY)
    if response.status == 408:
        response.force_close()  # The rest of the body may still come, or never.
