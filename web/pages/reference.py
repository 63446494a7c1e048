"""`/docs`: the HTTP interface to read, made from the same document as `/openapi.json`. For everybody."""

from __future__ import annotations

from aiohttp import web

from tlog.http.openapi.document import document
from tlog.http.query import parse_query
from web.frame import Frame
from web.reference_view import reference


class ReferencePage:
    """The handler; what it shows is made once."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._reference = reference(document())

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /docs`."""
        parse_query(request)
        return self._frame.page(request, "reference.html", reference=self._reference)
