"""Refusals on pages: what the HTTP interface answers as problem+json becomes a page with the same words.

It stands outside every other middleware, so it shows what any of them refused, with the same status and headers. A form
that was refused is shown again. Whoever is not logged in is shown the way in, and comes back afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from tlog.errors import NotLogged
from tlog.http.answers.problem import Problem
from tlog.http.problem import KINDS, MEDIA_TYPE, TYPE_PREFIX
from web.frame import Frame
from web.retry import RETRY, Retry
from web.see import see

_KEPT: Final = ("Retry-After", "Allow", "Server", "Strict-Transport-Security")
_ALONE: Final = Retry("problem.html")
_NOT_LOGGED: Final = TYPE_PREFIX + KINDS[NotLogged].slug
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_page(path: str) -> bool:
    """Whether answers under this path are for people."""
    return path in {"/", "/ui", "/docs"} or path.startswith(("/ui/", "/docs/"))


def page_boundary(frame: Frame) -> Any:
    """Return the middleware."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if is_page(request.path) and isinstance(answer, web.Response) and answer.content_type == MEDIA_TYPE:
            return _like(_page(frame, request, answer), answer)
        return answer

    return guard


def _page(frame: Frame, request: web.Request, answer: web.Response) -> web.Response:
    assert isinstance(answer.body, bytes)  # noqa: S101 - problem.py makes no other
    if answer.status == HTTPStatus.UNAUTHORIZED and RETRY not in request:
        way_back = quote(request.path, safe="/") if request.method == "GET" else "/ui/"
        return see(f"/ui/login?next={way_back}")
    problem = msgspec.json.decode(answer.body, type=Problem)
    shown = request.get(RETRY, _ALONE)
    if shown.of_log and problem.type == _NOT_LOGGED:
        shown = _ALONE  # that somebody was shown it is in no entry
    return frame.page(request, shown.template, status=answer.status, problem=problem, **shown.context)


def _like(page: web.Response, answer: web.Response) -> web.Response:
    """Give a page what every answer of the interface says of itself."""
    for name in _KEPT:
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page
