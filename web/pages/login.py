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
from tlog.http.sessions import Recheck, require_own_form, require_own_origin
from tlog.service.access_log import Access, AccessLog
from tlog.service.identity.login import Login
from tlog.service.principal import Principal, of_token
from tlog.storage.token_store import TokenStore
from web.frame import Frame
from web.retry import RETRY, Retry
from web.see import see

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

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/login`."""
        query = parse_query(request, "next")
        return self._frame.page(request, "login.html", next=way_back(query.get("next")))

    async def by_token(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/login`: log in with a token. Durable in the log before the session opens."""
        require_own_origin(request)
        form = await read_form(request)
        back, text = way_back(form.get("next")), form.get("token")
        token = text.strip() if isinstance(text, str) else ""
        request[RETRY] = Retry("login.html", {"next": back})
        try:
            principal = await self._auth.bearer(token)
        except Unauthorized:
            await self._accesses.refused("ui.login.token")
            raise
        try:
            self._limit.take(principal.id)
        except TooManyRequests:
            await self._accesses.refused("ui.login.token", principal.actor())
            raise
        return await self._open(request, principal, "ui.login.token", back, lambda: self._auth.bearer(token))

    async def link(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/login/link?code=`: a button, because programs that look at links press none."""
        code = parse_query(request, "code").get("code", "")
        return self._frame.page(request, "login_link.html", code=code)

    async def by_link(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/login/link`: log in with a link, which is then used up."""
        require_own_origin(request)
        code = str((await read_form(request)).get("code", ""))
        request[RETRY] = Retry("login_link.html", {"code": ""})
        try:
            token = await asyncio.to_thread(self._tokens.use_link, code)
        except Unauthorized:
            await self._accesses.refused("ui.login.link")
            raise
        recheck = partial(self._auth.in_force, token.token_id)
        return await self._open(request, of_token(token), "ui.login.link", _START, recheck)

    async def logout(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/logout`."""
        session = self._auth.sessions.find(request)
        if session is None:
            raise Forbidden("nobody is logged in here")
        await require_own_form(request, session)
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

    async def _open(
        self, request: web.Request, principal: Principal, how: str, back: str, recheck: Recheck | None = None
    ) -> web.Response:
        await self._accesses.record(Access(principal, "tlog.session.open", "allowed", {"operation": how}))
        answer = see(back)
        self._auth.sessions.open(request, answer, principal, recheck)
        return answer
