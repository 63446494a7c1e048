"""The pages over a real log, for tests: HTTP as it is, HTML as a parser sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import aiohttp
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.http.service import Answer
from tests.support import MadeLog
from tlog.http.app import authenticator_of, create_app
from tlog.http.renderers import Renderers
from tlog.http.sessions import FORM_TOKEN
from tlog.service.identity.opened import OpenedIdentity
from tlog.storage.roles import Role
from web.app import add_pages
from web.evidence_page import evidence_page
from web.subject_access_page import subject_access_page


class Site:
    """A served log with its pages."""

    def __init__(self, made: MadeLog, server: BaseTestServer, session: aiohttp.ClientSession) -> None:
        self.made = made
        self._server = server
        self._session = session

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def get(self, path: str, **headers: str) -> Answer:
        url = self._server.make_url(path)
        async with self._session.get(url, allow_redirects=False, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def post(self, path: str, fields: Sequence[tuple[str, str]] = (), **headers: str) -> Answer:
        """Send a form as it is, without a form token."""
        url = self._server.make_url(path)
        data = aiohttp.FormData(fields)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.post(url, data=data, allow_redirects=False, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def page(self, path: str, status: int = 200) -> Html:
        return html(await self.get(path), status)

    async def log_in(self, role: Role, name: str = "jane") -> None:
        """Log in with a new token of this role; who was logged in before is not any more."""
        answer = await self.post("/ui/login", [("token", self.made.token(name, role))])
        assert answer.status == 303, answer

    async def submit(self, path: str, **fields: str | list[str]) -> Answer:
        """Send a form with the token of this session; `_` in a name stands for itself, `__` for a dot."""
        token = next(
            tag["value"]
            for tag in (await self.page("/ui/")).all("input")
            if tag.get("name") == FORM_TOKEN and tag.get("value")
        )
        pairs = [(FORM_TOKEN, str(token))]
        for name, value in fields.items():
            values = value if isinstance(value, list) else [value]
            pairs += [(name.replace("__", "."), each) for each in values]
        return await self.post(path, pairs)


@asynccontextmanager
async def site(
    made: MadeLog, identity: OpenedIdentity | None = None, port: int | None = None, public_url: str | None = None
) -> AsyncIterator[Site]:
    auth = authenticator_of(made.log, identity, public_url=public_url)
    app = create_app(made.log, auth=auth, identity=identity, renderers=Renderers(evidence_page, subject_access_page))
    add_pages(app, made.log, login=None if identity is None else identity.login)
    async with (
        TestServer(app, port=port) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        yield Site(made, server, session)


def html(answer: Answer, status: int = 200) -> Html:
    """The page of an answer, which has this status."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Html(answer.body.decode())


class Html(HTMLParser):
    """A page: its tags with attributes, its text in one line, its ids."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._text: list[str] = []
        self.feed(source)
        self.text = " ".join(" ".join(self._text).split())
        self.ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def headings(self) -> list[int]:
        return [int(name[1]) for name, _ in self.tags if len(name) == 2 and name[0] == "h" and name[1].isdigit()]
