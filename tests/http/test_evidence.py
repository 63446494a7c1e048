"""Evidence over HTTP: who gets it, what it shows, what is refused."""

from __future__ import annotations

import json

import pytest

from tests.conftest import on_postgres_too
from tests.http.service import JSON, Answer, Service
from tests.support import entry_document
from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.evidence_html import evidence_in
from tlog.client.evidence_verifier import EvidenceVerifier, ProvedEntry
from tlog.storage.roles import Role
from web.evidence_page import evidence_page

CORE = ["action", "id", "occurred_at", "outcome", "purpose", "received_at", "retention", "schema", "seq", "source"]


async def filled(service: Service, count: int = 3) -> str:
    """Append, wait until it is published, and return an auditor's token."""
    for _ in range(count):
        await service.append(entry_document())
    await service.published(count)
    return service.made.token("jane", Role.AUDITOR)


def proved(service: Service, answer: Answer) -> tuple[Evidence, tuple[ProvedEntry, ...]]:
    assert answer.status == 200, answer
    assert answer.headers["Cache-Control"] == "no-store"
    evidence = parse_evidence(answer.body)
    return evidence, EvidenceVerifier(service.made.log.policy).verify(evidence).entries


async def case(service: Service, token: str, **body: object) -> Answer:
    return await service.ask("POST", "/v1/evidence", json.dumps(body).encode(), token, Content_Type=JSON)


async def test_without_a_wish_it_shows_the_core_and_nobody(service: Service) -> None:
    token = await filled(service)
    answer = await service.get("/v1/entries/1/evidence", token)
    _, [entry] = proved(service, answer)
    assert (entry.index, sorted(entry.values)) == (1, CORE)
    assert entry.hidden > 0
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entry-1.evidence.json"'


@pytest.mark.parametrize(
    ("wish", "shown", "not_shown"),
    [
        ("disclose=all", {"actor.id", "subjects[0]", "targets", "action"}, set()),
        ("disclose=all&redact=actor,subjects[0]", {"targets", "action"}, {"actor.id", "actor.name", "subjects[0]"}),
        ("disclose=core,actor.id", {"action", "actor.id"}, {"actor.name", "subjects[0]"}),
        ("disclose=subjects", {"subjects[0]"}, {"action", "actor.id"}),
        ("disclose=core&redact=purpose", {"action"}, {"purpose"}),
    ],
)
async def test_the_holder_chooses_what_it_shows(
    service: Service, wish: str, shown: set[str], not_shown: set[str]
) -> None:
    token = await filled(service, 1)
    _, [entry] = proved(service, await service.get(f"/v1/entries/0/evidence?{wish}", token))
    assert shown <= entry.values.keys()
    assert not not_shown & entry.values.keys()


@on_postgres_too
async def test_a_case_has_many_entries_in_one_file(service: Service) -> None:
    token = await filled(service, 5)
    evidence, entries = proved(service, await case(service, token, indices=[4, 1, 1, 2], disclose=["all"]))
    assert [entry.index for entry in entries] == [1, 2, 4]
    assert len(evidence.checkpoints) <= 6


async def test_evidence_is_for_auditors(service: Service) -> None:
    await filled(service)
    refused = await service.get("/v1/entries/0/evidence", service.made.token("shop"))
    assert (refused.status, refused.slug) == (403, "forbidden")
    assert (await case(service, service.made.token("shop"), indices=[0])).status == 403
    assert (await service.get("/v1/entries/0/evidence")).status == 401


async def test_what_is_not_there_or_not_sensible_is_refused(leaf_service: Service) -> None:
    token = await filled(leaf_service, 1)
    assert (await leaf_service.get("/v1/entries/99/evidence", token)).status == 404
    assert (await leaf_service.get("/v1/entries/x/evidence", token)).status == 400
    assert (await leaf_service.get("/v1/entries/0/evidence?show=all", token)).status == 400
    assert (await leaf_service.get("/v1/entries/0/evidence?disclose=" + ",".join(["a"] * 65), token)).status == 400
    bodies: list[dict[str, object]] = [
        {},
        {"indices": []},
        {"indices": [-1]},
        {"indices": ["0"]},
        {"indices": [0], "disclose": ["Actor"]},
        {"indices": [0], "more": 1},
        {"indices": list(range(501))},
    ]
    for body in bodies:
        refused = await case(leaf_service, token, **body)
        assert (refused.status, refused.slug) == (400, "request-invalid"), body
    for name in ("subject", "Actor", "shared", "targets[0]", "details.x", "all", "%20actor"):
        refused = await leaf_service.get(f"/v1/entries/0/evidence?disclose=all&redact={name}", token)
        assert (refused.status, refused.slug) == (400, "bad-request"), name
    assert (await case(leaf_service, token, indices=[0], disclose=["all"], redact=["subject"])).status == 400
    index = await leaf_service.made.log.leaves.append(bytes(32))
    assert (await leaf_service.get(f"/v1/entries/{index}/evidence", token)).status == 404


@on_postgres_too
async def test_a_page_holds_the_same_evidence_and_is_saved_rather_than_shown(service: Service) -> None:
    token = await filled(service)
    answer = await service.get("/v1/entries/1/evidence?format=html&disclose=all", token)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entry-1.evidence.html"'
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    evidence = parse_evidence(evidence_in(answer.body))
    [entry] = EvidenceVerifier(service.made.log.policy).verify(evidence).entries
    assert (entry.index, entry.values["actor.id"]) == (1, "e-1007")
    assert answer.body == evidence_page(evidence)
    several = await case(service, token, indices=[2, 0], format="html")
    assert [entry.index for entry in parse_evidence(evidence_in(several.body)).entries] == [0, 2]
    assert (await service.get("/v1/entries/1/evidence?format=json", token)).json()["format"] == "tlog-evidence/v1"


async def test_another_form_is_refused(service: Service) -> None:
    token = await filled(service, 1)
    refused = await service.get("/v1/entries/0/evidence?format=pdf", token)
    assert (refused.status, refused.slug) == (400, "bad-parameter")
    refused = await case(service, token, indices=[0], format="pdf")
    assert (refused.status, refused.slug) == (400, "request-invalid")
