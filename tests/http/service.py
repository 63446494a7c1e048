"""A real HTTP server over a real log, and a client that keeps whole answers."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from tests.support import MadeLog
from tlog.http.app import SERVER, create_app
from tlog.http.connections import Connections
from tlog.http.limits import BodyBudget
from tlog.http.openapi.document import document
from tlog.http.renderers import Renderers
from tlog.storage.roles import Role
from web.evidence_page import evidence_page
from web.subject_access_page import subject_access_page

RENDERERS = Renderers(evidence_page, subject_access_page)
UNROUTED = frozenset({"no-such-route", "method-not-allowed", "expectation-failed"})
PATHS: dict[str, Any] = document()["paths"]
JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """The end of a problem's type; fails for what is no problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        problem = self.json()
        assert problem["status"] == self.status
        assert self.headers["Cache-Control"] == "no-store"
        return str(problem["type"]).removeprefix("urn:problem-type:tlog:")


def require_described(method: str, path: str, answer: Answer) -> None:
    """Every refusal that any test sees is one of those that /openapi.json names for its operation."""
    if answer.headers.get("Content-Type") != "application/problem+json" or answer.slug in UNROUTED:
        return
    path = path.partition("?")[0]
    for described, operations in PATHS.items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]*" if described != "/tile/{level}/{index}" else ".*", described), path):
            operation = operations.get("get" if method == "HEAD" else method.lower())
            if operation is None:
                return
            responses = operation["responses"]
            schema = responses[str(answer.status)]["content"]["application/problem+json"]["schema"]
            assert answer.json()["type"] in schema["allOf"][1]["properties"]["type"]["enum"], (method, path, answer)
            return


@dataclass(frozen=True, slots=True)
class Service:
    """A served log. `token` is of the source `clinic`, `auditor` of an auditor."""

    made: MadeLog
    app: web.Application
    port: int
    session: aiohttp.ClientSession
    token: str
    auditor: str
    connections: Connections

    async def ask(self, method: str, path: str, data: Any = None, token: str | None = None, **headers: str) -> Answer:
        """Send one request; `headers` are named with underscores. The path goes out exactly as given."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        skip = [] if "Content_Type" in headers else ["Content-Type"]
        async with self.session.request(
            method, url, data=data, headers=sent, skip_auto_headers=[*skip, "Accept-Encoding"]
        ) as answer:
            made = Answer(answer.status, answer.headers, await answer.read())
        require_described(method, path, made)
        return made

    async def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return await self.ask("GET", path, token=token, **headers)

    async def append(self, body: Any, path: str = "/v1/entries", token: str | None = None, kind: str = JSON) -> Answer:
        """POST entries: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, data, token or self.token, Content_Type=kind)

    async def add(self, leaf: bytes) -> Answer:
        return await self.ask("POST", "/add", leaf, self.token)

    def size(self) -> int:
        """How many indices are assigned, but for the log's own entries."""
        own = self.made.log.acts.store.next_seq("tlog")  # they are numbered without gaps
        return self.made.log.store.state().size - own

    async def published(self, size: int) -> None:
        """Return when the published checkpoint has at least this size."""
        async with asyncio.timeout(20):
            await self.made.log.wait("witnessed", size)

    async def raw(self, sent: bytes, *, end: bool = False) -> bytes:
        """Send bytes on a connection of their own and return everything until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            if end:
                writer.write_eof()
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serve(
    made: MadeLog,
    bodies: BodyBudget | None = None,
    *,
    max_open: int = 1000,
    tls: ssl.SSLContext | None = None,
    header_seconds: float = 10,
    port: int = 0,
    **parts: Any,
) -> AsyncIterator[Service]:
    """Serve a log on a loopback port, by default a free one, for the length of a block; `parts` go to `create_app`."""
    app = create_app(made.log, bodies, **{"renderers": RENDERERS} | parts)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    connections = Connections(runner.server, SERVER, max_open, tls, header_seconds)
    try:
        port = await connections.listen("127.0.0.1", port)
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            auditor = made.token("auditor", Role.AUDITOR)
            yield Service(made, app, port, session, made.token(), auditor, connections)
    finally:
        connections.close()
        await runner.cleanup()
