"""Refusals: one table, no personal data, the same headers everywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.http.service import NDJSON, Answer, Service
from tests.support import entry_document
from tlog import errors
from tlog.http import errors as http_errors
from tlog.http.problem import KINDS, kind_of, refusal

MARKER = "Zuzanna Quux-4711"
IN_URL = "Zuzanna%20Quux-4711"
PART = "quux-4711"  # what all spellings have in common


def subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_every_row_has_a_type_of_its_own() -> None:
    assert len({kind.slug for kind in KINDS.values()}) == len(KINDS)


def test_every_refusal_of_http_has_a_row() -> None:
    own = {
        value
        for value in vars(http_errors).values()
        if isinstance(value, type) and value.__module__ == http_errors.__name__
    }
    assert own <= KINDS.keys()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.MalformedCheckpoint, 400),
        (errors.OutOfRange, 404),
        (errors.LeafMismatch, 500),
        (errors.DecryptionFailed, 500),
        (errors.StorageFault, 500),
        (errors.Overloaded, 503),
        (errors.TooManyRequests, 429),
        (errors.LogHalted, 503),
        (errors.ServiceError, 500),
    ],
)
def test_a_class_has_the_row_of_its_nearest_ancestor(kind: type[errors.TlogError], status: int) -> None:
    assert kind_of(kind("x")).status == status


def test_no_error_of_the_project_is_a_stranger() -> None:
    for kind in subclasses(errors.TlogError):
        assert any(row in KINDS for row in kind.__mro__)


async def test_a_method_that_is_not_there(service: Service) -> None:
    for method, path, allow in (
        ("GET", "/add", "POST"),
        ("DELETE", "/v1/entries/0", "GET,HEAD"),
        ("POST", "/checkpoint", "GET,HEAD"),
        ("PUT", "/tile/0/000", "GET,HEAD"),
    ):
        answer = await service.ask(method, path)
        assert (answer.status, answer.slug, answer.headers["Allow"]) == (405, "method-not-allowed", allow)
    assert (await service.get("/nowhere")).slug == "no-such-route"


async def test_headers_of_every_answer(service: Service) -> None:
    for path in ("/healthz", "/checkpoint", "/tile/0/000", "/nowhere", "/add", "/openapi.json"):
        answer = await service.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Server"] == "tlog"
        assert "Strict-Transport-Security" not in answer.headers


async def test_an_unforeseen_fault_says_nothing_but_its_number(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: object) -> None:
        raise RuntimeError(f"about {MARKER}")

    monkeypatch.setattr(service.made.log.appender, "append", fail)
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await service.append(entry_document(purpose=MARKER))
    assert (answer.status, answer.slug) == (500, "internal")
    assert [line["request_id"] for line in logged] == [answer.json()["request_id"]]
    assert logged[0]["error"] == "RuntimeError"
    said = repr(logged) + caplog.text + repr(answer)
    assert PART not in said.lower()


def planted() -> Iterator[tuple[str, bytes, str]]:
    """Requests that are refused and hold the marker in every place a client can put it: path, body, type."""
    good = entry_document()
    for name in (*good, "legal_basis", "crud", "retention", "correlation", "authorization", "details"):
        for value in (MARKER + "\n", [MARKER], [{MARKER: MARKER}], {"id": {"x": MARKER}}, MARKER * 2000):
            if name == "details" and isinstance(value, dict):
                continue  # any object is fine there
            yield "/v1/entries", json.dumps(good | {name: value}).encode(), "application/json"
    yield "/v1/entries", json.dumps(good | {MARKER: 1}).encode(), "application/json"
    yield "/v1/entries", json.dumps(good).encode() + MARKER.encode(), "application/json"
    yield "/v1/entries", MARKER.encode() + b"\n" + MARKER.encode(), NDJSON
    yield "/v1/entries", MARKER.encode(), MARKER
    yield f"/v1/entries?{IN_URL}={IN_URL}", b"{}", "application/json"
    yield f"/v1/entries?wait={IN_URL}", b"{}", "application/json"
    yield f"/v1/entries?timeout={IN_URL}", b"{}", "application/json"
    yield "/v1/entries", json.dumps(good | {"source": PART}).encode(), "application/json"
    yield f"/{IN_URL}", b"", "text/plain"
    yield "/add", MARKER.encode(), "text/plain"


async def test_no_refusal_and_no_log_line_quotes_what_was_sent(
    leaf_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Answer] = []
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        for path, body, kind in planted():
            answers.append(await leaf_service.append(body, path, kind=kind))
        for path in ("/v1/entries/", "/tile/0/", "/tile/", "/v1/proofs/inclusion?index=", "/checkpoint?x="):
            answer = await leaf_service.get(path + IN_URL, leaf_service.token)
            answers.append(answer)
        answers.append(await leaf_service.get("/v1/entries/0", PART + "x" * 20))
        answers.append(await leaf_service.get("/v1/entries/0", "x", Authorization=MARKER))
        metrics = await leaf_service.get("/metrics")
    assert {answer.status // 100 for answer in answers} == {4}
    assert leaf_service.size() == 0
    said = "".join([repr(answers), repr(logged), caplog.text, repr(metrics)]).lower()
    assert "unknown field" in said
    assert PART not in said


async def test_a_conflict_quotes_nothing_but_the_id(service: Service) -> None:
    document = entry_document(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11")
    await service.append(document)
    answer = await service.append(document | {"actor": {"type": "employee", "id": MARKER}})
    assert answer.slug == "conflict"
    assert PART not in repr(answer).lower()


@pytest.mark.parametrize(
    "sent",
    [
        f"GET /checkpoint HTTP/1.1\r\nBad {MARKER}: x\r\n\r\n",
        f"GET /checkpoint {MARKER} HTTP/1.1\r\n\r\n",
        f"GET /checkpoint HTTP/1.1\r\nHost: x\r\nX: {MARKER * 1000}\r\n\r\n",
        f"{MARKER}\x01 / HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40]),
)
async def test_the_server_logs_no_request_that_it_cannot_parse(
    service: Service, caplog: pytest.LogCaptureFixture, sent: str
) -> None:
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        said = await service.raw(sent.encode())
    assert said.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")), said
    assert "request not answered by a route: " in caplog.text
    written = (caplog.text + repr(logged)).lower()
    assert PART not in written
    assert "127.0.0.1" not in written
    assert all(record.levelno < logging.WARNING for record in caplog.records)


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (errors.Unauthorized("x"), 'Bearer realm="tlog"'),
        (errors.TokenRefused("x"), 'Bearer realm="tlog", error="invalid_token"'),
    ],
)
def test_a_token_that_does_not_hold_is_challenged(error: errors.TlogError, challenge: str) -> None:
    """RFC 6750 section 3.1."""
    answer = refusal(error)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, challenge)
