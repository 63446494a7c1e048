"""`/ui/login` and `/ui/logout`: a session for whoever shows a token or a link, and the end of any session."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Final

from aiohttp import web

from tlog.errors import Forbidden, TooManyRequests, Unauthorized
from tlog.http.form_body import read_form
from tlog.http.guard import Guard
from tlog.http.query import parse_query
from tlog.http.sessions import Recheck
from tlog.service.access_log import Access, AccessLog, Outcome
from tlog.service.identity.login import Login
from tlog.service.principal import Principal, of_token
from tlog.storage.token_store import Token, TokenStore
from web.frame import Frame
from web.retry import RETRY, Retry
from web.see import see

_BY_TOKEN: Final = "ui.login.token"  # noqa: S105 - the name of an operation
_BY_LINK: Final = "ui.login.link"
_START: Final = "/ui/"
_OWN_PATH: Final = re.compile(r"/ui/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]*")


def way_back(text: object) -> str:
    """Return where to go after a login: a page of this log, whatever was asked for."""
    return text if isinstance(text, str) and _OWN_PATH.fullmatch(text) else _START


class LoginPage:
    """The handlers."""

    def __init__(
        self, guard: Guard, tokens: TokenStore, accesses: AccessLog, frame: Frame, login: Login | None
    ) -> None:
        """The guard's limit counts logins with a token as requests of its own: each is an entry.

        `login` is that with a provider, if there is one.
        """
        self._auth = guard.auth
        self._tokens = tokens
        self._accesses = accesses
        self._limit = guard.limit
        self._login = login
        self._frame = frame
        self._links = asyncio.Lock()

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/login`."""
        query = parse_query(request, "next")
        return self._frame.page(request, "login.html", next=way_back(query.get("next")))

    async def by_token(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/login`: log in with a token. Durable in the log before the session opens."""
        self._auth.sessions.origin.require(request)
        form = await read_form(request)
        back, text = way_back(form.get("next")), form.get("token")
        token = text.strip() if isinstance(text, str) else ""
        request[RETRY] = Retry("login.html", {"next": back})
        try:
            principal = await self._auth.bearer(token)
        except Unauthorized:
            await self._accesses.refused(_BY_TOKEN)
            raise
        try:
            self._limit.take(principal.id)
        except TooManyRequests:
            await self._accesses.refused(_BY_TOKEN, principal.actor())
            raise
        await self._logged(principal, _BY_TOKEN)
        return self._open(request, principal, back, lambda: self._auth.bearer(token))

    async def link(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/login/link?code=`: a button, because programs that look at links press none."""
        code = parse_query(request, "code").get("code", "")
        return self._frame.page(request, "login_link.html", code=code)

    async def by_link(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/login/link`: log in with a link, which is then used up.

        Used up only once the login is durable in the log, so that a link outlives a log that takes no entry.
        """
        self._auth.sessions.origin.require(request)
        code = str((await read_form(request)).get("code", ""))
        request[RETRY] = Retry("login_link.html", {"code": ""})
        try:
            await asyncio.to_thread(self._tokens.find_link, code)  # what is no link waits for nobody
            async with self._links:
                token = await self._use(code)
        except Unauthorized:
            await self._accesses.refused(_BY_LINK)
            raise
        recheck = partial(self._auth.in_force, token.token_id)
        return self._open(request, of_token(token), _START, recheck)

    async def _use(self, code: str) -> Token:
        """Log a login, then use up its link. Raises `NotLogged`, and `Unauthorized` for one that is not there any more.

        One at a time: of two who come with a link at once, the second finds that it was used before it is logged.
        """
        found = of_token(await asyncio.to_thread(self._tokens.find_link, code))
        await self._logged(found, _BY_LINK)
        try:
            return await asyncio.to_thread(self._tokens.use_link, code)
        except Exception:  # revoked or over since, or the database failed
            await self._logged(found, _BY_LINK, "failed")
            raise

    async def logout(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/logout`."""
        session = self._auth.sessions.find(request)
        if session is None:
            raise Forbidden("nobody is logged in here")
        await self._auth.sessions.require_own_form(request, session)
        self._auth.sessions.end(request)
        answer = self._logged_out(request, session.principal)
        self._auth.sessions.forget(request, answer)
        return answer

    def _logged_out(self, request: web.Request, principal: Principal) -> web.Response:
        """Return the way to the start; for whom the provider logged in, by way of their log-out there.

        A page leads there, not a redirect: browsers let a form be redirected only to where `form-action` lets it go,
        and a provider may send them on to others that nobody here knows.
        """
        url = None if self._login is None or principal.kind != "user" else self._login.end_session_url()
        if url is None:
            return see(_START)
        answer = self._frame.page(request, "logged_out.html", url=url)
        answer.headers["Refresh"] = f"0; url={url}"
        return answer

    async def _logged(self, principal: Principal, how: str, outcome: Outcome = "allowed") -> None:
        await self._accesses.record(Access(principal, "tlog.session.open", outcome, {"operation": how}))

    def _open(self, request: web.Request, principal: Principal, back: str, recheck: Recheck) -> web.Response:
        answer = see(back)
        self._auth.sessions.open(request, answer, principal, recheck)
        return answer
