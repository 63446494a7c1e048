"""What a client of exports refuses: real answers of a real log, changed on the way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.audit.access_material import OTHER, PERSON, planted
from tests.http.service import serve
from tests.service.test_erasure import settings
from tests.support import running_log
from tlog.client.client import LogClient
from tlog.client.subject_access import PATH, FetchedAccess, fetch_subject_access
from tlog.errors import LeafMismatch, Malformed, MalformedAnswer
from tlog.storage.roles import Role

BODY = {"subject": PERSON, "authorised_by": "Dana Officer", "evidence": True}
MINE = [OTHER, {"id": PERSON, "data": {"fields": ["allergies"]}}]
SELF = {"type": "patient", "id": PERSON, "name": "Pat Person", "ip": "198.51.100.4"}


@pytest.fixture
async def answer(tmp_path: Path) -> dict[str, Any]:
    """The log's own answer with evidence."""
    async with running_log(tmp_path / "log", settings=settings()) as made, serve(made) as service:
        first, second = planted(subjects=MINE, details={"note": "x"}), planted(subjects=MINE, actor=SELF)
        await service.append([first, second])
        token = made.token("dana", Role.DPO)
        body = json.dumps(BODY | {"include_details": True}).encode()
        said = await service.ask("POST", f"/{PATH}", body, token, Content_Type="application/json")
        assert said.status == 200
        document: dict[str, Any] = said.json()
        return document


@asynccontextmanager
async def answering(document: Any) -> AsyncIterator[LogClient]:
    async def say(_: web.Request) -> web.Response:
        return web.Response(body=json.dumps(document).encode(), content_type="application/json")

    app = web.Application()
    app.router.add_post(f"/{PATH}", say)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with LogClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            yield client
    finally:
        await runner.cleanup()


async def fetched(document: Any) -> FetchedAccess:
    async with answering(document) as client:
        return await fetch_subject_access(client, BODY)


async def test_what_the_log_says_is_taken(answer: dict[str, Any]) -> None:
    found = await fetched(answer)
    assert [entry.index for entry in found.export.entries] == [0, 1]
    assert found.evidence is not None
    proved = found.evidence.entries[1].disclosures
    assert {"subjects[1]", "targets", "actor.id", "actor.name", "actor.ip"} <= proved.keys()


@pytest.mark.parametrize(
    "change",
    [
        lambda export: export["entries"][0].update(purpose="advertising"),
        lambda export: export["entries"][0].update(data={"fields": []}),
        lambda export: export["entries"][0].update(details={"note": "y"}),
        lambda export: export["entries"][0]["actor"].update(role="physician"),
        lambda export: export["entries"][0]["targets"].clear(),
        lambda export: export["entries"][1]["actor"].update(name="Otto"),
        lambda export: export["entries"][1].update(actor=None),
        lambda export: export["entries"].pop(),
    ],
)
async def test_an_export_that_its_evidence_contradicts_is_refused(
    answer: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    change(answer["export"])
    with pytest.raises(MalformedAnswer, match="evidence"):
        await fetched(answer)


async def test_the_export_of_somebody_else_is_refused(answer: dict[str, Any]) -> None:
    answer["export"]["subject"] = "p-2"
    with pytest.raises(MalformedAnswer, match="another person"):
        await fetched(answer)


async def test_evidence_that_does_not_verify_is_refused(answer: dict[str, Any]) -> None:
    answer["evidence"]["entries"][0]["disclosures"].pop("purpose")
    with pytest.raises(LeafMismatch):
        await fetched(answer)


@pytest.mark.parametrize("document", [{}, [], {"export": {}, "evidence": None}, {"export": None, "evidence": None}])
async def test_what_is_no_export_is_refused(document: Any) -> None:
    with pytest.raises(Malformed):
        await fetched(document)


async def test_evidence_that_is_missing_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer, match="other entries"):
        await fetched(answer | {"evidence": None})
