"""Forms that no page sends: whatever comes, the answer is a page and a refusal, never a fault of the log."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.web.site import Site, html
from tlog.http.sessions import FORM_TOKEN
from tlog.storage.roles import Role

ACT = uuid.UUID(int=7)
FORMS: dict[str, tuple[Role, tuple[str, ...]]] = {
    "/ui/search": (Role.AUDITOR, ("subject", "actor_type", "limit", "cursor", "received_from", "outcome", "source")),
    "/ui/access": (Role.AUDITOR, ("index", "subject", "before", "cursor", "actor_id", "received_to", "limit")),
    "/ui/entries/0/evidence": (Role.AUDITOR, ("disclose", "format", "indices")),
    "/ui/people": (Role.DPO, ("subject", "actor.type", "actor.id", "actor", "subject.id", "even_damaged")),
    "/ui/people/erase": (Role.DPO, ("subject", "actor", "legal_basis", "authorised_by", "dry_run", "reason")),
    "/ui/people/access": (Role.DPO, ("subject", "format", "from", "include_details", "authorised_by")),
    "/ui/holds": (Role.DPO, ("kind", "case", "reason", "authorised_by", "subject", "source", "until")),
    "/ui/holds/lift": (Role.DPO, ("hold", "reason", "case", "by_case")),
    "/ui/retention/run": (Role.DPO, ("authorised_by", "until", "reason")),
    f"/ui/acts/{ACT}/approve": (Role.DPO, ("reason",)),
    f"/ui/acts/{ACT}/decline": (Role.DPO, ("reason",)),
    "/ui/tokens": (Role.ADMIN, ("name", "roles", "sources", "days", "credential", "classes", "roles.x")),
    f"/ui/tokens/{ACT}/revoke": (Role.ADMIN, ("reason",)),
}
ODD = (
    "9" * 30,
    "9" * 5000,
    "-1",
    "x" * 70_000,
    "\x00",
    "\u202e\u2028",
    "[]",
    '{"a": 1}',
    "../..",
    "\r\nSet-Cookie: a=b",
    "²",
    "𝟗",
)
BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/x-www-form-urlencoded; charset=no-such", b"subject=a"),
    ("application/x-www-form-urlencoded; charset=utf-7", b"form_token=+2AA-&subject=+2AA-"),
    ("application/x-www-form-urlencoded; charset=utf-16", b"subject=a"),
    ("application/x-www-form-urlencoded", b"subject=%ff%fe&%ff=1&=&&&"),
    ("application/x-www-form-urlencoded", b"subject=\xff\xfe"),
    ("application/x-www-form-urlencoded; charset=idna", b"subject=\xff\xfe"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(5000))),
    ("multipart/form-data", b"--x\r\n\r\n"),
    ("multipart/form-data; boundary=x", b"not a part"),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\n\xff\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="subject"; filename="a"\r\n\r\nfile\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed\r\n\r\n--y--\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@\r\n--x--\r\n',
    ),
    ("multipart/form-data; boundary=" + "x" * 200, b""),
    ("multipart/mixed; boundary=x", b"--x--\r\n"),
    ("application/json", b'{"form_token": 1}'),
    ("text/plain", b"subject=a"),
    ("", b"subject=a"),
)


@pytest.mark.parametrize("path", FORMS)
async def test_odd_values_are_answered_with_a_page(clinic: Site, path: str) -> None:
    role, names = FORMS[path]
    await clinic.log_in(role)
    faults = []
    for name in names:
        for value in ODD:
            answer = await clinic.submit(path, **{name.replace(".", "__"): value})
            if answer.status >= 500 or (answer.status >= 400 and b"<!doctype html>" not in answer.body[:40]):
                faults.append((name, value[:20], answer.status, answer.body[:200]))
        twice = await clinic.submit(path, **{name.replace(".", "__"): ["a", "b"]})
        if twice.status >= 500:
            faults.append((name, "twice", twice.status, twice.body[:200]))
    for pair in (("actor", "actor.id"), ("actor.id", "actor"), ("disclose.x", "disclose"), ("roles.x", "roles")):
        answer = await clinic.submit(path, **{name.replace(".", "__"): "x" for name in pair})
        if answer.status >= 500:
            faults.append((*pair, answer.status, answer.body[:200]))
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", [*FORMS, "/ui/login", "/ui/login/link", "/ui/logout"])
async def test_what_is_no_form_is_refused_with_a_page(clinic: Site, path: str) -> None:
    await clinic.log_in(FORMS[path][0] if path in FORMS else Role.AUDITOR)
    faults = []
    for kind, body in BODIES:
        url = clinic._server.make_url(path)
        headers = {"Content-Type": kind} if kind else {}
        skip = () if kind else ("Content-Type",)
        async with clinic._session.post(
            url, data=body, headers=headers, skip_auto_headers=skip, allow_redirects=False
        ) as answer:
            page = await answer.read()
            if not 400 <= answer.status < 500 or b"<!doctype html>" not in page[:40]:
                faults.append((kind, body[:60], answer.status, page[:300]))
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", [*FORMS, "/ui/login", "/ui/login/link", "/ui/logout"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_form_that_is_too_large_is_refused_with_a_page(clinic: Site, path: str, chunked: bool) -> None:
    await clinic.log_in(FORMS[path][0] if path in FORMS else Role.AUDITOR)
    body = _chunks() if chunked else io.BytesIO(b"subject=" + b"x" * (2 << 20))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with clinic._session.post(
        clinic._server.make_url(path), data=body, headers=headers, allow_redirects=False
    ) as answer:
        page = (await answer.read()).decode()
        assert answer.status == 413, page[:300]
        assert "<!doctype html>" in page
        assert "limit" in page


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b"x" * (1 << 16)


async def test_a_form_that_breaks_off_or_stalls_is_refused(clinic: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlog.http.form_body.FORM_SECONDS", 0.2)
    head = b"POST /ui/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    reader, writer = await asyncio.open_connection(clinic._server.host, clinic._server.port)
    writer.write(head + b"Content-Length: 100\r\n\r\ntoken=a")
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within" in answer
    assert b"<!doctype html>" in answer


async def test_a_page_of_a_refused_form_does_not_repeat_secrets(clinic: Site) -> None:
    fields = [("token", "tlog_" + "s" * 30), ("token", "b"), ("next", "x" * 5000), (FORM_TOKEN, "\x00")]
    page = html(await clinic.post("/ui/login", fields), 401)
    assert "x" * 100 not in page.source
    assert "s" * 30 not in page.source
