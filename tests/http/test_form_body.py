"""Forms over a real connection: what is read, and what is refused before anything is done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tlog.errors import TlogError
from tlog.http import problem
from tlog.http.app import SERVER
from tlog.http.form_body import MAX_FIELDS, MAX_FORM_BYTES, read_form

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def echo(request: web.Request) -> web.Response:
        try:
            form = await read_form(request)
            assert await read_form(request) is form, "a body can be read once only"
        except TlogError as error:
            return problem.refusal(error)
        return web.json_response(list(form.items()))

    app = web.Application(handler_args=SERVER)
    app.router.add_post("/", echo)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def post(url: str, body: bytes, kind: str = FORM, **headers: str) -> tuple[int, object]:
    sent = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=sent) as answer:
        found = await answer.json(content_type=None)
        return answer.status, found if answer.status == 200 else found["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=%C3%A9+x&a=2", [["a", "1"], ["b", "é x"], ["a", "2"]]),
        (b"a=&b", [["a", ""], ["b", ""]]),
        (b"a=%00%0A", [["a", "\x00\n"]]),
        (b"", []),
    ],
)
async def test_the_fields_of_a_form(url: str, body: bytes, fields: list[list[str]]) -> None:
    assert await post(url, body) == (200, fields)
    assert (await post(url, body, f"{FORM}; charset=UTF-8"))[0] == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=1", "text/plain", 415),
        (b"a=1", "multipart/form-data; boundary=x", 415),
        (b"a=1", f"{FORM}; charset=utf-7", 415),
        (b"a=1", f"{FORM}; charset=no-such", 415),
        (b"a=%ff", FORM, 400),
        (b"\xff=1", FORM, 400),
        (b"a=" + b"x" * (MAX_FORM_BYTES - 2), FORM, 200),
        (b"a=" + b"x" * (MAX_FORM_BYTES - 1), FORM, 413),
        (b"&".join([b"a=1"] * MAX_FIELDS), FORM, 200),
        (b"&".join([b"a=1"] * (MAX_FIELDS + 1)), FORM, 413),
    ],
)
async def test_what_is_no_form_of_a_page_is_refused(url: str, body: bytes, kind: str, status: int) -> None:
    assert (await post(url, body, kind))[0] == status


async def test_a_compressed_form_is_not_opened(url: str) -> None:
    status, detail = await post(url, b"a=1", Content_Encoding="br")
    assert status == 415
    assert "decompressed" in str(detail)
