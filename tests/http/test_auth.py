from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.http.service import Service
from tests.support import entry_document
from tlog.errors import Unauthorized
from tlog.http.auth import CACHE_SECONDS, Authenticator
from tlog.service.principal import of_token
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import Token, TokenStore, token_for

TOKEN = Token("id", "clinic", frozenset({Role.WRITER}), RowScope(frozenset({"clinic"})))
PRINCIPAL = of_token(TOKEN)


def authenticator(find: Callable[[str], Token], clock: Callable[[], float] = monotonic) -> Authenticator:
    return Authenticator(cast("TokenStore", SimpleNamespace(find=find)), clock=clock)


def request(header: str | None) -> Any:
    return cast("Any", SimpleNamespace(path="/v1/entries", headers={} if header is None else {"Authorization": header}))


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic Y2xpbmljOnB3", "Bearer a b", "Bearer " + "x" * 300]
)
async def test_a_header_that_is_no_bearer_token_is_not_looked_up(header: str | None) -> None:
    def find(text: str) -> Token:
        raise AssertionError(text)

    with pytest.raises(Unauthorized):
        await authenticator(find).principal(request(header))


async def test_an_unknown_token_is_told_how_to_ask(service: Service) -> None:
    for token in ("tlog_" + "A" * 43, service.token[:-1] + "!", service.token + "A"):
        answer = await service.append(entry_document(), token=token)
        assert (answer.status, answer.slug) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="tlog"'
        assert token not in answer.body.decode()
    assert service.size() == 0


async def test_each_kind_of_token_does_what_it_is_for(service: Service) -> None:
    index = (await service.append(entry_document())).json()["entries"][0]["index"]
    auditor, dpo = (service.made.token("maria", kind) for kind in (Role.AUDITOR, Role.DPO))
    for token in (auditor, dpo):
        assert (await service.get(f"/v1/entries/{index}", token=token)).status == 200
        assert (await service.append(entry_document(), token=token)).slug == "forbidden"
    for token in (auditor, service.token):
        assert (await service.get("/v1/holds", token=token)).slug == "forbidden"
    assert (await service.get("/v1/holds", token=dpo)).status == 200


async def test_a_token_is_believed_for_seconds_only() -> None:
    times = [0.0]
    asked = count()

    def find(text: str) -> Token:
        if next(asked):
            raise Unauthorized("revoked")
        return TOKEN

    auth = authenticator(find, lambda: times[0])
    assert await auth.principal(request("bearer " + "t" * 40)) == PRINCIPAL
    times[0] = CACHE_SECONDS - 0.01
    assert await auth.principal(request("Bearer " + "t" * 40)) == PRINCIPAL
    assert CACHE_SECONDS <= 5
    times[0] = CACHE_SECONDS
    with pytest.raises(Unauthorized):
        await auth.principal(request("Bearer " + "t" * 40))
    times[0] = 0.0
    with pytest.raises(Unauthorized):
        await auth.principal(request("Bearer " + "t" * 40))


async def test_one_look_up_serves_all_who_ask_at_once() -> None:
    asked = count()

    def find(text: str) -> Token:
        next(asked)
        return TOKEN

    auth = authenticator(find)
    await asyncio.gather(*(auth.principal(request("Bearer " + "t" * 40)) for _ in range(50)))
    assert next(asked) == 1


async def test_a_revoked_token_is_refused(service: Service) -> None:
    token, text = service.made.log.tokens.issue(token_for(Role.WRITER, "clinic"))
    service.made.log.tokens.revoke(token.token_id)
    assert (await service.append(entry_document(), token=text)).slug == "unauthorized"
