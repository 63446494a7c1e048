"""Sessions of browsers: a random cookie that stands for somebody who logged in.

Invariants:

* Sessions live in this process's memory only, by the SHA-256 of their cookie; a restart ends them all.
* A session ends `IDLE_SECONDS` after its last request, `MAX_SECONDS` after its login, and when the credential that it
  was opened with is revoked or expires.
* The cookie is HttpOnly and SameSite=Lax, and over TLS Secure with the prefix `__Host-`.
* One principal has `MAX_OF_ONE` at most; a further one ends their oldest, and nobody else's.
* A POST of a page is taken only with the session's form token, and from a page of this origin.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from aiohttp import web

from tlog.errors import Forbidden, Unauthorized
from tlog.http.cookies import HostCookie
from tlog.http.form_body import read_form
from tlog.http.own_origin import OwnOrigin
from tlog.service.principal import Principal

IDLE_SECONDS: Final = 30 * 60
MAX_SECONDS: Final = 10 * 3600
MAX_SESSIONS: Final = 10_000
MAX_OF_ONE: Final = 100
FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a form's field
Recheck = Callable[[], Awaitable[Principal]]
"""Asks again whether the credential that opened a session is in force; raises `Unauthorized`."""


@dataclass(slots=True)
class Session:
    """Somebody who is logged in. Times are those of the clock, in seconds.

    `search` are the filters of their last search, for the way back to it. They may name a person, and are kept nowhere
    else.
    """

    principal: Principal
    form_token: str
    opened_at: float
    seen_at: float
    recheck: Recheck | None = None
    search: Mapping[str, str] = field(default_factory=dict, repr=False)


SESSION = web.RequestKey("session", Session)


class Sessions:
    """Opens, finds and closes sessions. Belongs to one event loop."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, over_tls: bool = False, public_url: str | None = None
    ) -> None:
        """`clock` returns seconds. `over_tls`: browsers come over TLS, also where a proxy ends it before the log.

        `public_url` is where they reach the log, if that is said.
        """
        self.origin = OwnOrigin(public_url)
        self._clock = clock
        self._over_tls = over_tls
        self._sessions: dict[bytes, Session] = {}

    def open(
        self, request: web.Request, response: web.StreamResponse, principal: Principal, recheck: Recheck | None = None
    ) -> Session:
        """Log somebody in: the cookie goes out with `response`. An earlier session of this browser ends."""
        self.close(request, response)
        self._make_room(principal.id)
        if len(self._sessions) >= MAX_SESSIONS:
            self._drop_ended()
        text = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(principal, secrets.token_urlsafe(24), now, now, recheck)
        self._sessions[_key(text)] = session
        self._cookie(request).write(response, text, MAX_SECONDS)
        return session

    def close(self, request: web.Request, response: web.StreamResponse) -> None:
        """Log out: the session ends, and the browser forgets its cookie with `response`."""
        self.end(request)
        self.forget(request, response)

    def end(self, request: web.Request) -> None:
        """End the session of a request, if it has one."""
        text = self._cookie(request).read(request)
        if text is not None:
            self._sessions.pop(_key(text), None)

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Have the browser forget the cookie that it sent."""
        cookie = self._cookie(request)
        if cookie.read(request) is not None:
            cookie.delete(response)

    def find(self, request: web.Request) -> Session | None:
        """Return the session of a request, if there is one in force."""
        text = self._cookie(request).read(request)
        session = None if text is None else self._sessions.get(_key(text))
        return session if session is not None and self._is_alive(session) else None

    async def principal(self, request: web.Request) -> Principal:
        """Return who is logged in. A POST is checked to come from a form of this session.

        Raises `Unauthorized` without a session, `Forbidden` for a forged form.
        """
        session = self.find(request)
        if session is None:
            raise Unauthorized("log in first")
        if session.recheck is not None:
            session.principal = await self._rechecked(request, session.recheck)
        session.seen_at = self._clock()
        request[SESSION] = session
        if request.method not in {"GET", "HEAD"}:
            await self.require_own_form(request, session)
        return session.principal

    async def require_own_form(self, request: web.Request, session: Session) -> None:
        """Raise `Forbidden` unless a POST comes from this origin and brings the session's form token."""
        self.origin.require(request)
        form = await read_form(request)
        given = form.get(FORM_TOKEN)
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), session.form_token.encode()):
            raise Forbidden("this form is not of your session; open the page again and repeat")

    async def _rechecked(self, request: web.Request, recheck: Recheck) -> Principal:
        try:
            return await recheck()
        except Unauthorized:
            self._sessions.pop(_key(self._cookie(request).read(request) or ""), None)
            raise

    def _cookie(self, request: web.Request) -> HostCookie:
        return HostCookie("tlog", self._over_tls or request.secure, "Lax")

    def _is_alive(self, session: Session) -> bool:
        now = self._clock()
        return now - session.seen_at < IDLE_SECONDS and now - session.opened_at < MAX_SECONDS

    def _make_room(self, principal_id: str) -> None:
        theirs = [key for key, session in self._sessions.items() if session.principal.id == principal_id]
        for key in theirs[: max(0, len(theirs) - MAX_OF_ONE + 1)]:  # they are in the order of their logins
            del self._sessions[key]

    def _drop_ended(self) -> None:
        alive = {key: session for key, session in self._sessions.items() if self._is_alive(session)}
        oldest = sorted(alive, key=lambda key: alive[key].seen_at)
        for key in oldest[: max(0, len(alive) - MAX_SESSIONS + 1)]:
            del alive[key]
        self._sessions = alive


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
