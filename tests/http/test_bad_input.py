"""Bad input: a clear error each, nothing stored, the server alive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import NewUrl
from tests.http.service import NDJSON, Service, serve
from tests.support import entry_document, running_log
from tlog.http.limits import MAX_ENTRIES_BODY_BYTES, BodyBudget
from tlog.service.intake import MAX_ENTRIES, MAX_JSON_VALUES
from tlog.storage.roles import Role

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log that waits a fifth of a second for the next bytes of a body."""
    bodies = BodyBudget(idle_seconds=0.2, total_seconds=1)
    async with running_log(tmp_path / "log") as made, serve(made, bodies) as served:
        yield served


async def unharmed(service: Service) -> None:
    """Nothing was stored, and the next good request is."""
    assert service.size() == 0
    assert (await service.append(entry_document())).status == 201


def good() -> bytes:
    return json.dumps(entry_document()).encode()


def head(service: Service, *lines: str) -> bytes:
    """The head of a POST of entries, with these header lines added."""
    sent = ("POST /v1/entries HTTP/1.1", "Host: x", f"Authorization: Bearer {service.token}", *lines)
    return ("\r\n".join(sent) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("body", "path", "detail"),
    [
        (good()[:-10], "", "not JSON"),
        (b"", "", "not JSON"),
        (b"[]", "", "at least one"),
        (b"[" + good() + b",]", "", "not JSON"),
        (b"[" + good(), "", "not JSON"),
        (b"null", "", "expected an object"),
        (b"[1]", "[0]", "expected an object"),
        (good().replace(b"treatment", b"treat\xffment"), "", "not UTF-8"),
        (b"\xef\xbb\xbf" + good(), "", "not JSON"),
        (good().replace(b'"schema": 1', b'"schema": "1"'), "schema", "expected the schema version"),
        (good().replace(b'"schema": 1', b'"schema": 1, "colour": 2'), "colour", "unknown field"),
        (good().replace(b'"schema": 1', b'"schema": 1, "schema": 1'), "schema", "given 2 times"),
        (b"[" * 100_000, "", "not JSON"),
        (b"[" + b"[" * 5_000 + b"]" * 5_000 + b"]", "", "not JSON"),
        (good().replace(b'"fields"', b'"f": ' + b'{"a": ' * 200 + b"1" + b"}" * 200 + b', "fields"'), "", "deeper"),
        (good().replace(b"treatment", b"t" * 70_000), "", "the limit is 65536"),
    ],
)
async def test_a_bad_document(service: Service, body: bytes, path: str, detail: str) -> None:
    answer = await service.append(body)
    assert (answer.status, answer.slug) == (400, "entry-invalid")
    faults = answer.json()["errors"]
    assert any(fault["path"] == path and detail in fault["detail"] for fault in faults), faults
    await unharmed(service)


async def test_a_batch_with_one_bad_line(service: Service) -> None:
    bad = json.dumps(entry_document(outcome="maybe", seq="7")).encode()
    for kind, body in ((NDJSON, b"\n".join([good(), bad, good()])), ("", b"[%b,%b,%b]" % (good(), bad, good()))):
        answer = await service.append(body, kind=kind or "application/json")
        assert [fault["path"] for fault in answer.json()["errors"]] == ["[1].seq", "[1].outcome"]
    await unharmed(service)


async def test_one_id_twice_in_a_batch(service: Service) -> None:
    answer = await service.append([entry_document(id=ID), entry_document(), entry_document(id=ID)])
    assert answer.slug == "entry-invalid"
    assert [fault["path"] for fault in answer.json()["errors"]] == ["[2].id"]
    await unharmed(service)


async def test_one_seq_twice_in_a_batch(service: Service) -> None:
    answer = await service.append([entry_document(seq=5), entry_document(seq=5)])
    assert (answer.status, answer.slug) == (409, "conflict")
    assert service.size() == 0


async def test_empty_lines_of_ndjson_are_faults(service: Service) -> None:
    answer = await service.append(good() + b"\n\n" + good(), kind=NDJSON)
    assert [fault["path"] for fault in answer.json()["errors"]] == ["[1]"]
    await unharmed(service)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_another_media_type(service: Service, kind: str) -> None:
    answer = await service.append(good(), kind=kind)
    assert (answer.status, answer.slug) == (415, "unsupported-media-type")
    await unharmed(service)


@pytest.mark.parametrize("path", ["/v1/entries", "/add"])
async def test_a_gzip_body(leaf_service: Service, path: str) -> None:
    answer = await leaf_service.ask(
        "POST",
        path,
        b"\x1f\x8b" + bytes(30),
        leaf_service.token,
        Content_Type="application/json",
        Content_Encoding="gzip",
    )
    assert (answer.status, answer.slug) == (415, "unsupported-media-type")
    assert "Content-Encoding" in answer.json()["detail"]
    await unharmed(leaf_service)


@pytest.mark.parametrize(
    "query",
    ["?wait=never", "?wait=durable&wait=durable", "?timeout=-1", "?timeout=61", "?timeout=1.5", "?x=1", "?wait"],
)
async def test_bad_parameters(service: Service, query: str) -> None:
    answer = await service.append(entry_document(), "/v1/entries" + query)
    assert (answer.status, answer.slug) == (400, "bad-parameter")
    await unharmed(service)


async def test_an_announced_body_over_the_limit_is_refused_unread(service: Service) -> None:
    length = MAX_ENTRIES_BODY_BYTES + 1
    said = await service.raw(head(service, f"Content-Length: {length}", "Content-Type: application/json"))
    assert said.startswith(b"HTTP/1.1 413 "), said
    assert str(MAX_ENTRIES_BODY_BYTES).encode() in said
    await unharmed(service)


async def test_a_body_without_length_over_the_limit(service: Service) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_ENTRIES_BODY_BYTES // 65536 + 1):
            yield b" " * 65536

    answer = await service.ask("POST", "/v1/entries", chunks(), service.token, Content_Type="application/json")
    assert (answer.status, answer.slug) == (413, "too-large")
    await unharmed(service)


async def test_a_good_body_without_length(service: Service) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in good():
            yield bytes([byte])

    answer = await service.ask("POST", "/v1/entries", chunks(), service.token, Content_Type="application/json")
    assert answer.status == 201


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\n" * MAX_ENTRIES + b"{}", NDJSON),
        (b"[" + b"1," * MAX_ENTRIES + b"1]", "application/json"),
        (b"[" + b"1," * MAX_JSON_VALUES + b"1]", "application/json"),
        (b"," * (MAX_JSON_VALUES + 1), NDJSON),
    ],
)
async def test_too_many_entries(service: Service, body: bytes, kind: str) -> None:
    answer = await service.append(body, kind=kind)
    assert (answer.status, answer.slug) == (413, "too-large")
    await unharmed(service)


async def test_the_answer_to_many_faults_is_bounded(service: Service) -> None:
    answer = await service.append(b"\n".join([b"{}"] * MAX_ENTRIES), kind=NDJSON)
    assert answer.slug == "entry-invalid"
    assert len(answer.json()["errors"]) == 1000
    assert answer.json()["detail"].startswith("over 1000 faults; the first 1000 are listed")
    await unharmed(service)


async def test_a_client_that_stalls(impatient: Service) -> None:
    sent = head(impatient, "Content-Length: 500", "Content-Type: application/json") + good()[:100]
    said = await impatient.raw(sent)
    assert said.startswith(b"HTTP/1.1 408 "), said
    assert b"stalled after 100 bytes" in said
    await unharmed(impatient)


async def test_a_client_that_stalls_before_its_first_byte(impatient: Service) -> None:
    said = await impatient.raw(head(impatient, "Content-Length: 500", "Content-Type: application/json"))
    assert said.startswith(b"HTTP/1.1 408 "), said
    await unharmed(impatient)


async def test_a_client_that_trickles(impatient: Service) -> None:
    """Bytes that come in time, but for ever, end at the total."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    answer = await impatient.ask("POST", "/v1/entries", chunks(), impatient.token, Content_Type="application/json")
    assert (answer.status, answer.slug) == (408, "body-timeout")
    await unharmed(impatient)


async def test_a_body_that_breaks_off(service: Service) -> None:
    await service.raw(head(service, "Content-Length: 500", "Content-Type: application/json") + good()[:100], end=True)
    await unharmed(service)


@pytest.mark.parametrize(
    "tail", [b"zz\r\n", b"5\r\n{}\r\n0\r\n\r\n", b"-1\r\n\r\n", b"FFFFFFFFFFFFFFFFFF\r\n"], ids=repr
)
async def test_a_chunked_body_that_is_wrongly_coded(service: Service, tail: bytes) -> None:
    sent = head(service, "Transfer-Encoding: chunked", "Content-Type: application/json") + tail
    said = await service.raw(sent, end=True)
    assert b" 200 " not in said
    assert b" 201 " not in said
    await unharmed(service)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /add HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /add HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /add HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
async def test_what_is_hardly_http(service: Service, sent: bytes) -> None:
    said = await service.raw(sent, end=True)
    assert said == b"" or said.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), said
    await unharmed(service)


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/9.9\r\n\r\n", b"SECRET\x00 / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nSECRET\r\n\r\n"]
)
async def test_what_is_no_http_is_not_repeated(service: Service, sent: bytes) -> None:
    head, _, body = (await service.raw(sent)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert b"\r\nServer: tlog\r\n" in head
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert json.loads(body)["type"] == "urn:problem-type:tlog:bad-request"
    for leaked in (b"SECRET", b"9.9", b"ython", b"aiohttp"):
        assert leaked not in head + body


LARGEST, ABOVE_INTEGER = 2**63 - 1, 2**32


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, ABOVE_INTEGER, LARGEST, LARGEST + 1])
async def test_no_number_is_too_large_for_a_database(number: int, new_url: NewUrl, tmp_path: Path) -> None:
    """PostgreSQL refuses what SQLite takes: each parameter that is a number, or becomes one, on both."""
    folder = tmp_path / "log"
    async with running_log(folder, urls=(new_url(), new_url())) as made, serve(made) as served:
        assert (await served.append(entry_document())).status == 201
        officer = made.token("dana", Role.DPO)
        for path in (
            f"/v1/erasures?before={number}",
            f"/v1/erasures?limit={number}",
            f"/v1/entries/{number}",
            f"/v1/entries/{number}/proof",
            f"/v1/entries?limit={number}",
            f"/v1/proofs/inclusion?index={number}&size={number}",
            f"/v1/proofs/inclusion?index=0&size={number}",
            f"/v1/proofs/inclusion?index={number}",
            f"/v1/proofs/consistency?from=0&to={number}",
            f"/v1/proofs/consistency?from={number}&to={number}",
            f"/v1/checkpoints?from={number}",
            f"/v1/checkpoints?from={number}&order=desc",
            f"/v1/checkpoints?limit={number}",
            f"/tile/0/{number}",
            f"/tile/{number}/000",
            f"/tile/entries/{number}",
        ):
            answer = await served.get(path, officer)
            assert answer.status in {200, 400, 404}, (path, answer)
        for name, body in (
            ("holds/lift", {"hold": number, "reason": "r", "authorised_by": "d"}),
            ("entries/search", {"limit": number}),
        ):
            answer = await served.ask(
                "POST", f"/v1/{name}", json.dumps(body).encode(), officer, Content_Type="application/json"
            )
            assert answer.status in {200, 400, 404}, (name, answer)


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
async def test_no_day_is_too_far_away_for_a_database(day: str, new_url: NewUrl, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    async with running_log(folder, urls=(new_url(), new_url())) as made, serve(made) as served:
        assert (await served.append(entry_document())).status == 201
        officer = made.token("dana", Role.DPO)
        bounds = ("received_from", "received_to", "occurred_from", "occurred_to")
        for path in (f"/v1/retention?until={day}", *(f"/v1/entries?{bound}={day}" for bound in bounds)):
            assert (await served.get(path, officer)).status == 200, path
        hold = {"kind": "legal-hold", "case": "c", "reason": "r", "authorised_by": "d", "occurred_from": day}
        placed = await served.ask(
            "POST", "/v1/holds", json.dumps(hold).encode(), officer, Content_Type="application/json"
        )
        assert placed.status == 201
