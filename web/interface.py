"""Pages ask what any client may ask: the operations of the HTTP interface, by name, within the page's own request.

    page = await interface.ask(request, "searchEntries", EntryPage, {"source": "clinic"})

The operation's handler runs with the page's request: its path parameters, its query where no body is given, and who is
logged in. So a page can show nothing and do nothing that the interface would refuse, and what it showed is noted for
the entry that logs the page. The guard knows the rule of the page; the rule of the operation is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tlog.errors import NotFound
from tlog.http.app import GUARD
from tlog.http.given_body import GIVEN_BODY
from tlog.http.noted import principal_of

T = TypeVar("T")


class Interface:
    """The operations of one application."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def has(self, operation: str) -> bool:
        """Tell whether the application serves an operation."""
        return operation in self._app.router

    def may(self, request: web.Request, operation: str) -> bool:
        """Tell whether who asks may ask this operation."""
        rule = self._app[GUARD].rules.get(operation)
        return rule is not None and any(principal_of(request).may(right) for right in rule.rights)

    async def ask(
        self, request: web.Request, operation: str, shape: type[T], body: Mapping[str, Any] | None = None
    ) -> T:
        """Return the answer of an operation. Raises what its handler raises, `Forbidden`."""
        return msgspec.json.decode(await self.file(request, operation, body), type=shape)

    async def file(self, request: web.Request, operation: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Return the bytes that an operation answers with. Raises as `ask` does."""
        principal_of(request).require(*self._app[GUARD].rules[operation].rights)
        request[GIVEN_BODY] = None if body is None else msgspec.json.encode(body)
        answer = await self._handler(operation)(request)
        if not isinstance(answer.body, bytes):
            raise TypeError(f"{operation} has no answer that a page can read")
        return answer.body

    def _handler(self, operation: str) -> Any:
        resource = self._app.router.get(operation)
        if resource is None:
            raise NotFound(f"this log serves no {operation}")
        return next(iter(resource)).handler  # type: ignore[call-overload]
