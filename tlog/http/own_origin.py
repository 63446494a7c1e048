"""Whether a browser's form comes from this log's own pages: the origin that it names, and the log's.

An origin (RFC 6454) is scheme, host and port. A browser leaves the scheme's default port out of `Origin` and of `Host`,
so both are compared with it put in: `https://log.example` is `log.example:443`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from yarl import URL

from tlog.errors import Forbidden

_SCHEMES: Final = frozenset({"http", "https"})


class OwnOrigin:
    """The origin of this log's pages: `public_url` where it is set, else the host that a request was sent to."""

    def __init__(self, public_url: str | None = None) -> None:
        """`public_url` is where browsers reach the log; a proxy may then send another `Host`."""
        self._public = None if public_url is None else URL(public_url).origin()

    def url(self, request: web.Request) -> URL:
        """Return the address of this log's pages, without a path."""
        return request.url.origin() if self._public is None else self._public

    def require(self, request: web.Request) -> None:
        """Raise `Forbidden` for a request that a page of another origin makes a browser send."""
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        foreign = origin is not None and not self._is_own(origin, request)
        if foreign or site not in {None, "same-origin", "none"}:
            raise Forbidden("this form comes from another site")

    def _is_own(self, text: str, request: web.Request) -> bool:
        try:
            origin = URL(text)
            if origin.scheme not in _SCHEMES or origin != origin.origin():  # a user name, a path
                return False
            own = self._public or URL(f"{origin.scheme}://{request.host}")
        except ValueError:
            return False
        # Plain HTTP may come from a proxy that ended TLS, so the scheme counts only where it is known.
        return _parts(origin) == _parts(own) and (origin.scheme == "https" or not request.secure)


def _parts(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.raw_host, url.port
