from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conftest import on_postgres_too
from tests.http.own_entries import stored_own
from tests.http.service import Answer, Service, serve
from tests.support import entry_document, running_log
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role


@pytest.fixture
async def strict(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[Service]:
    """A served log where a second admin must agree."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings, urls=urls) as made, serve(made) as served:
        yield served


async def issue(service: Service, token: str, **body: Any) -> Answer:
    data = json.dumps(body).encode()
    return await service.ask("POST", "/v1/tokens", data, token, Content_Type="application/json")


def certificate() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "clinic")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


@on_postgres_too
async def test_a_token_is_issued_used_listed_and_revoked(service: Service) -> None:
    admin = service.made.token("otto", Role.ADMIN)
    issued = await issue(service, admin, name="tim", roles=["reader"], sources=["clinic"], days=1)
    assert issued.status == 201
    said = issued.json()
    assert said["act"]["state"] == "done"
    await service.append(entry_document())
    entry = next(i for i in range(9) if service.made.log.entries.stored(i).columns["source"] == "clinic")
    assert (await service.get(f"/v1/entries/{entry}", said["token"])).status == 200
    listed = (await service.get("/v1/tokens", admin)).json()["tokens"]
    [tim] = [token for token in listed if token["id"] == said["id"]]
    assert (tim["roles"], tim["sources"], tim["classes"], tim["credential"]) == (["reader"], ["clinic"], None, "bearer")
    assert said["token"] not in json.dumps(listed)
    revoked = await service.ask("POST", f"/v1/tokens/{said['id']}/revoke", token=admin)
    assert revoked.json()["revoked_at"] is not None
    assert (await service.ask("POST", f"/v1/tokens/{said['id']}/revoke", token=admin)).status == 404


async def test_a_link_is_listed_with_when_it_was_used(service: Service) -> None:
    admin = service.made.token("otto", Role.ADMIN)
    said = (await issue(service, admin, name="jane", roles=["auditor"], credential="link", hours=1)).json()

    async def listed() -> dict[str, Any]:
        tokens = (await service.get("/v1/tokens", admin)).json()["tokens"]
        assert all(token["used_at"] is None for token in tokens if token["id"] != said["id"])
        return next(token for token in tokens if token["id"] == said["id"])

    before = await listed()
    assert before["used_at"] is None
    service.made.log.tokens.use_link(said["token"])
    after = await listed()
    assert before["created_at"] < after["used_at"] < before["expires_at"] < after["expires_at"]


async def test_a_grant_is_an_entry_that_names_what_was_granted(service: Service) -> None:
    admin = service.made.token("otto", Role.ADMIN)
    said = (await issue(service, admin, name="jane", roles=["auditor"])).json()
    entry = service.made.log.entries.opened(service.made.log.entries.stored(said["act"]["index"])).entry
    assert (entry["action"], entry["actor"]["id"], entry["outcome"]) == ("tlog.grant", "otto", "allowed")
    assert entry["details"]["name"] == "jane"
    assert entry["details"]["roles"] == ["auditor"]
    assert said["token"] not in json.dumps(entry)


@on_postgres_too
async def test_a_second_admin_agrees(strict: Service) -> None:
    otto, ida = (strict.made.token(name, Role.ADMIN) for name in ("otto", "ida"))
    issued = await issue(strict, otto, name="jane", roles=["auditor"])
    assert (issued.status, issued.json()["act"]["state"]) == (202, "pending")
    text, act = issued.json()["token"], issued.json()["act"]["act"]
    assert (await strict.get("/v1/access?index=0", text)).status == 401
    assert (await strict.ask("POST", f"/v1/acts/{act}/approve", token=otto)).slug == "forbidden"
    dana = strict.made.token("dana", Role.DPO)
    assert (await strict.ask("POST", f"/v1/acts/{act}/approve", token=dana)).slug == "forbidden"
    assert (await strict.ask("POST", f"/v1/acts/{act}/approve", token=ida)).json()["state"] == "done"
    assert (await strict.get("/v1/access?index=0", text)).status == 200


@on_postgres_too
async def test_a_declined_grant_is_worth_nothing(strict: Service) -> None:
    otto, ida = (strict.made.token(name, Role.ADMIN) for name in ("otto", "ida"))
    said = (await issue(strict, otto, name="jane", roles=["auditor"])).json()
    declined = await strict.ask("POST", f"/v1/acts/{said['act']['act']}/decline", token=ida)
    assert declined.json()["state"] == "declined"
    assert (await strict.get("/v1/access?index=0", said["token"])).status == 401
    assert "jane" not in [token["name"] for token in (await strict.get("/v1/tokens", ida)).json()["tokens"]]


async def test_an_admin_does_not_decide_on_what_officers_do(strict: Service) -> None:
    await strict.append(entry_document())
    dana, otto = strict.made.token("dana", Role.DPO), strict.made.token("otto", Role.ADMIN)
    erased = {"subject": "p-4711", "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
    kind = {"Content_Type": "application/json"}
    asked = (await strict.ask("POST", "/v1/erasures", json.dumps(erased).encode(), dana, **kind)).json()
    for word in ("approve", "decline"):
        assert (await strict.ask("POST", f"/v1/acts/{asked['act']}/{word}", token=otto)).slug == "forbidden"


@on_postgres_too
async def test_a_certificate_is_known_once(service: Service) -> None:
    admin, pem = service.made.token("otto", Role.ADMIN), certificate()
    body = {"name": "clinic", "roles": ["writer"], "sources": ["clinic"], "credential": "certificate"}
    issued = await issue(service, admin, **body, certificate=pem)
    assert (issued.status, issued.json()["token"]) == (201, None)
    assert (await issue(service, admin, **body, certificate=pem)).slug == "conflict"
    fingerprint = x509.load_pem_x509_certificate(pem.encode())
    assert fingerprint.subject.rfc4514_string() == "CN=clinic"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "x", "roles": ["writer"]}, "at least one source"),
        ({"name": "x", "roles": ["writer"], "sources": ["tlog"]}, "reserved"),
        ({"name": "x", "roles": []}, "one or more of writer"),
        ({"name": "x", "roles": ["root"]}, "one or more of writer"),
        ({"name": "X y", "roles": ["admin"]}, "a name of"),
        ({"name": "x", "roles": ["admin"], "days": 1, "hours": 1}, "either days or hours"),
        ({"name": "x", "roles": ["admin"], "credential": "certificate"}, "certificate"),
        ({"name": "x", "roles": ["admin"], "certificate": "no"}, "certificate"),
        ({"name": "x", "roles": ["admin"], "credential": "certificate", "certificate": "no"}, "not a certificate"),
    ],
)
async def test_what_can_t_be_is_refused(service: Service, body: dict[str, Any], words: str) -> None:
    admin = service.made.token("otto", Role.ADMIN)
    before = len(service.made.log.tokens.all())
    answer = await issue(service, admin, **body)
    assert answer.status == 400
    assert words in answer.body.decode()
    assert len(service.made.log.tokens.all()) == before


async def test_an_admin_reads_no_entry_and_others_issue_no_token(service: Service) -> None:
    await service.append(entry_document())
    admin = service.made.token("otto", Role.ADMIN)
    for path in ("/v1/entries/0", "/v1/entries", "/v1/entries/0/evidence", "/v1/access?index=0", "/v1/holds"):
        assert (await service.get(path, admin)).slug == "forbidden"
    for role in (Role.WRITER, Role.READER, Role.AUDITOR, Role.DPO):
        token = service.made.token(f"a-{role}", role)
        assert (await issue(service, token, name="x", roles=["admin"])).slug == "forbidden"
        assert (await service.get("/v1/tokens", token)).slug == "forbidden"


async def test_who_may_decide_is_told_what_waits_and_nobody_else(strict: Service) -> None:
    await strict.append(entry_document())
    otto, ida = (strict.made.token(name, Role.ADMIN) for name in ("otto", "ida"))
    dana, eve = (strict.made.token(name, Role.DPO) for name in ("dana", "eve"))
    granted = (await issue(strict, otto, name="jane", roles=["auditor"], days=1)).json()["act"]["act"]
    erased = {
        "subject": "p-4711",
        "legal_basis": "GDPR Art. 17(1)(b)",
        "authorised_by": "Dana Officer",
        "reason": "asked",
    }
    kind = {"Content_Type": "application/json"}
    erasure = (await strict.ask("POST", "/v1/erasures", json.dumps(erased).encode(), dana, **kind)).json()["act"]
    told = (await strict.get(f"/v1/acts/{granted}", ida)).json()["said"]
    assert (told["by"], told["name"], told["roles"]) == ("otto", "jane", ["auditor"])
    assert "digest" not in told
    told = (await strict.get(f"/v1/acts/{erasure}", eve)).json()["said"]
    assert told == {
        "by": "dana",
        "authorised_by": "Dana Officer",
        "legal_basis": "GDPR Art. 17(1)(b)",
        "reason": "asked",
        "role": "subject",
        "entries": 1,
    }
    assert (await strict.get(f"/v1/acts/{granted}", eve)).json()["said"] is None
    assert (await strict.get(f"/v1/acts/{erasure}", ida)).json()["said"] is None
    assert "p-4711" not in (await strict.get("/v1/acts", eve)).body.decode()


async def test_a_number_that_is_out_of_bounds_is_told_and_an_id_that_came_as_one_is_not(service: Service) -> None:
    refused = await issue(service, service.made.token("otto", Role.ADMIN), name="tim", roles=["reader"], days=0)
    assert refused.json()["errors"] == [{"path": "days", "detail": "expected from 1 to 3660, got 0"}]
    data = json.dumps({"subject": 4711, "dry_run": True}).encode()
    dpo = service.made.token("dana", Role.DPO)
    refused = await service.ask("POST", "/v1/erasures", data, dpo, Content_Type="application/json")
    assert "4711" not in refused.body.decode()


@on_postgres_too
async def test_a_source_that_took_the_id_of_a_grant_keeps_it_from_no_log(strict: Service) -> None:
    otto, ida = (strict.made.token(name, Role.ADMIN) for name in ("otto", "ida"))
    act = (await issue(strict, otto, name="mallory", roles=["dpo"])).json()["act"]["act"]
    assert (await strict.append(entry_document(id=act))).status == 201
    assert (await strict.ask("POST", f"/v1/acts/{act}/approve", token=ida)).json()["state"] == "done"
    assert [entry["details"]["act"] for entry in stored_own(strict.made, "tlog.grant")] == [act]


@on_postgres_too
async def test_of_two_grants_of_one_certificate_the_second_is_refused_and_ends(strict: Service) -> None:
    otto, ida = (strict.made.token(name, Role.ADMIN) for name in ("otto", "ida"))
    pem = certificate()
    asked = {"name": "lab", "roles": ["reader"], "credential": "certificate", "certificate": pem}
    acts = [(await issue(strict, otto, **asked)).json()["act"]["act"] for _ in range(2)]
    answers = [await strict.ask("POST", f"/v1/acts/{act}/approve", token=ida) for act in acts]
    assert [answer.json()["state"] for answer in answers] == ["done", "refused"]
    assert not await strict.made.log.acts.finish_others()
    assert [entry["outcome"] for entry in stored_own(strict.made, "tlog.grant")] == ["allowed", "failed"]


async def test_a_revocation_waits_for_its_entry(service: Service) -> None:
    admin = service.made.token("otto", Role.ADMIN)
    said = (await issue(service, admin, name="tim", roles=["reader"])).json()
    with service.made.log.sequencer.reserve(service.made.log.settings.max_pending_entries, 0):
        asked = asyncio.create_task(service.ask("POST", f"/v1/tokens/{said['id']}/revoke", token=admin))
        await asyncio.wait({asked}, timeout=0.3)
        service.made.log.tokens.require_in_force(said["id"])
    assert (await asked).status == 200
    assert [entry["details"]["token"] for entry in stored_own(service.made, "tlog.token.revoke")] == [said["id"]]
