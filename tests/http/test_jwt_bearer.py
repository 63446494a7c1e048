"""Services that bring JWTs of the provider, and clients that show certificates, against a whole log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.http.authority import authority, client_context
from tests.http.certificate import self_signed
from tests.http.own_entries import own_entries
from tests.http.service import Service, serve
from tests.service.identity.signer import access_claims, b64, sign
from tests.service.identity.simulator import DISCOVERY, Parts, answer, parts
from tests.support import entry_document, running_log
from tlog.cli.config import Listen
from tlog.cli.tls import server_context
from tlog.service.identity.grants import RoleRule
from tlog.service.identity.opened import OpenedIdentity
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import Credential, NewToken

ROLES = {
    "log-auditors": RoleRule("auditor"),
    "clinic-service": RoleRule("writer", ("clinic",)),
    "shop-readers": RoleRule("reader", ("shop",)),
}


@asynccontextmanager
async def site(folder: Path, **options: Any) -> AsyncIterator[tuple[Service, Parts]]:
    async with parts(roles=ROLES) as at, running_log(folder / "log") as made:
        identity = OpenedIdentity(at.settings, None, at.bearer)
        async with serve(made, identity=identity, **options) as service:
            yield service, at


def token(at: Parts, *groups: str, **changed: Any) -> str:
    claims = access_claims(iss=at.simulator.issuer, groups=list(groups), **changed)
    return sign(claims, "RS256", "k1", typ="at+jwt")


async def test_a_service_does_what_its_groups_are_for(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        writer, auditor = token(at, "clinic-service"), token(at, "log-auditors", sub="maria")
        assert (await service.append(entry_document(), token=writer)).status == 201
        assert (await service.append(entry_document(source="shop"), token=writer)).status in {400, 403}
        assert (await service.append(entry_document(), token=auditor)).slug == "forbidden"
        assert (await service.get("/v1/entries/0", writer)).status == 200
        assert (await service.get("/v1/entries/0", auditor)).status == 200
        assert (await service.get("/v1/entries/0", token(at, "shop-readers"))).slug == "forbidden"
        found = await own_entries(service, "tlog.entry.read")
        assert [(entry["actor"]["id"], entry["outcome"]) for entry in found] == [
            ("svc-1", "denied"),
            ("maria", "allowed"),
            ("svc-1", "allowed"),
        ]


@pytest.mark.parametrize(
    ("changed", "status", "slug"),
    [
        ({"aud": "other"}, 401, "unauthorized"),
        ({"exp": 1}, 401, "unauthorized"),
        ({"iss": "https://evil.example"}, 401, "unauthorized"),
        ({"groups": ["Log-Auditors"]}, 403, "forbidden"),
        ({"groups": None}, 403, "forbidden"),
    ],
)
async def test_tokens_that_open_nothing(tmp_path: Path, changed: dict[str, Any], status: int, slug: str) -> None:
    async with site(tmp_path) as (service, at):
        claims = {"iss": at.simulator.issuer, "sub": "Ada-4711", "name": "Ada"} | changed
        bad = sign(access_claims(**claims), "RS256", "k1", typ="at+jwt")
        refused = await service.get("/v1/entries/0", bad)
        assert (refused.status, refused.slug) == (status, slug)
        assert ("invalid_token" in refused.headers.get("WWW-Authenticate", "")) is (status == 401)
        assert "Ada" not in refused.body.decode()
        (entry,) = await own_entries(service, "tlog.access.refuse")
        assert entry["details"]["operations"] == {"readEntry": 1}


async def test_a_provider_that_is_away(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        at.simulator.answers[DISCOVERY] = answer(503)
        refused = await service.get("/v1/entries/0", token(at, "log-auditors"))
        assert (refused.status, refused.slug) == (502, "provider-failed")
        assert (await service.append(entry_document())).status == 201


async def test_without_a_provider_a_jwt_is_no_token(service: Service) -> None:
    refused = await service.get("/v1/entries/0", sign(access_claims()))
    assert (refused.status, refused.slug) == (401, "unauthorized")


async def test_certificates(tmp_path: Path) -> None:
    """A certificate is a credential of its own, and what a token may be bound to."""
    ca = authority(tmp_path)
    (own, der), (another, _) = ca.client("svc"), ca.client("another")
    fingerprint = hashlib.sha256(der).digest()
    chain, key = self_signed(tmp_path)
    tls = server_context(Listen(tls_cert=str(chain), tls_key=str(key), client_ca=str(ca.path)))
    async with site(tmp_path, tls=tls) as (service, at):
        scope = RowScope(frozenset({"clinic"}))
        new = NewToken("svc", frozenset({Role.WRITER}), scope, Credential.CERTIFICATE, certificate=fingerprint)
        service.made.log.tokens.issue(new)
        bound = token(at, "clinic-service", cnf={"x5t#S256": b64(fingerprint)})
        shown = {
            "own": client_context(chain, own),
            "another": client_context(chain, another),
            "none": client_context(chain),
        }
        statuses = {
            (name, bearer is not None): await _append(service.port, context, bearer)
            for name, context in shown.items()
            for bearer in (None, bound)
        }
    assert statuses == {
        ("own", False): 201,
        ("own", True): 201,
        ("another", False): 401,
        ("another", True): 401,
        ("none", False): 401,
        ("none", True): 401,
    }


async def _append(port: int, context: Any, bearer: str | None) -> int:
    headers = {"Content-Type": "application/json"} | ({} if bearer is None else {"Authorization": f"Bearer {bearer}"})
    url, body = f"https://127.0.0.1:{port}/v1/entries", json.dumps(entry_document())
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers, ssl=context) as said:
        return said.status
