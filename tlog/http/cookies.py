"""Cookies that only this log gets back: `__Host-` names where browsers reach it over TLS (RFC 6265bis, 4.1.3).

`__Host-` makes the browser insist on `Secure`, `Path=/` and no `Domain`, so that no sibling host can set or get it.
Over plain HTTP, which is for loopback, browsers refuse such names; then the name goes without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiohttp import web


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A cookie by its bare name. `secure`: browsers reach the log over TLS, with or without a proxy in between."""

    bare_name: str
    secure: bool
    same_site: Literal["Lax", "Strict"]

    @property
    def name(self) -> str:
        """The name on the wire."""
        return f"__Host-{self.bare_name}" if self.secure else self.bare_name

    def read(self, request: web.Request) -> str | None:
        """Return what the browser sent under this name, or None."""
        return request.cookies.get(self.name)

    def write(self, response: web.StreamResponse, value: str, seconds: int) -> None:
        """Have the browser keep `value` for so many seconds; no script can read it."""
        response.set_cookie(
            self.name, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite=self.same_site
        )

    def delete(self, response: web.StreamResponse) -> None:
        """Have the browser forget it."""
        self.write(response, "", 0)
