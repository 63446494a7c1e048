"""The pages over a real log, for tests: HTTP as it is, HTML as a parser sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import aiohttp
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.http.service import Answer
from tests.support import MadeLog
from tlog.http.app import create_app
from web.app import add_pages


class Site:
    """A served log with its pages."""

    def __init__(self, made: MadeLog, server: BaseTestServer, session: aiohttp.ClientSession) -> None:
        self.made = made
        self._server = server
        self._session = session

    async def get(self, path: str, **headers: str) -> Answer:
        url = self._server.make_url(path)
        async with self._session.get(url, allow_redirects=False, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def page(self, path: str, status: int = 200) -> Html:
        answer = await self.get(path)
        assert answer.status == status, answer
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return Html(answer.body.decode())


@asynccontextmanager
async def site(made: MadeLog) -> AsyncIterator[Site]:
    app = create_app(made.log)
    add_pages(app, made.log)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Site(made, server, session)


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
