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
from tlog.http.given_body import giving
from tlog.http.noted import principal_of

T = TypeVar("T")


class Interface:
    """The operations of one application."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def may(self, request: web.Request, operation: str) -> bool:
        """Tell whether this log serves an operation, and who asks may ask it."""
        rule = self._app[GUARD].rules.get(operation)
        return rule is not None and any(principal_of(request).may(right) for right in rule.rights)

    async def ask(
        self, request: web.Request, operation: str, shape: type[T], body: Mapping[str, Any] | None = None
    ) -> T:
        """Return the answer of an operation. Raises what its handler raises, `Forbidden`."""
        answer = await self.answer(request, operation, body)
        if not isinstance(answer.body, bytes):
            raise TypeError(f"{operation} has no answer that a page can read")
        return msgspec.json.decode(answer.body, type=shape)

    async def answer(self, request: web.Request, operation: str, body: Mapping[str, Any] | None = None) -> web.Response:
        """Return the whole answer of an operation: a file to take away. Raises as `ask` does."""
        resource, rule = self._app.router.get(operation), self._app[GUARD].rules.get(operation)
        if resource is None or rule is None:
            raise NotFound(f"this log does not serve {operation}")
        principal_of(request).require(*rule.rights)
        handler: Any = next(iter(resource)).handler
        with giving(request, None if body is None else msgspec.json.encode(body)):
            answer: web.Response = await handler(request)
        return answer
