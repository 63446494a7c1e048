"""Each role tries every operation of `/openapi.json`: exactly what it may is answered, and each attempt is logged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.http.examples import EXAMPLES, SETTINGS, Things
from tests.http.own_entries import shown, stored_own
from tests.http.service import PATHS, Answer, Service, serve
from tests.http.who_may import ACTED, DECIDED, EXPECTED, NO_OWN, WAITING, WHOLE
from tests.support import entry_document, running_log
from tlog.audit.entry import new_entry_id
from tlog.http.rules import PUBLIC, RULES
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken

ROLES: Final = tuple(role.value for role in Role)
METHODS: Final = {said["operationId"]: method.upper() for path in PATHS.values() for method, said in path.items()}

ANYBODY: Final = set(EXAMPLES) - set(EXPECTED)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Service, Things]]:
    """Serve a log with an entry at index 0, and what the examples name."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, **SETTINGS)
    async with running_log(folder / "log", settings=settings) as made, serve(made) as service:
        entry = new_entry_id()
        await service.append(entry_document(id=entry), "/v1/entries?wait=witnessed")

        async def ask(method: str, path: str, data: bytes | None, token: str | None, kind: str) -> tuple[int, bytes]:
            answer = await service.ask(method, path, data, token, Content_Type=kind)
            return answer.status, answer.body

        def spare() -> str:
            return made.log.tokens.issue(NewToken("spare", frozenset({Role.READER})))[0].token_id

        tokens = made.token(), made.token("other-officer", Role.DPO), made.token("other-admin", Role.ADMIN)
        things = Things(ask, entry, *tokens, spare)
        await things.hold()
        yield service, things


async def send(service: Service, operation: str, path: str, token: str | None) -> Answer:
    """Send the example of an operation."""
    example = EXAMPLES[operation]
    return await service.ask(METHODS[operation], path, example.data(), token, Content_Type=example.kind)


async def logged(
    service: Service, things: Things, operation: str, token: str, role: str
) -> tuple[Answer, list[dict[str, Any]]]:
    """Send the example and return its answer with the own entries that came since."""
    path = await things.path(EXAMPLES[operation], role)
    before = service.made.log.store.state().size
    answer = await send(service, operation, path, token)
    return answer, stored_own(service.made, since=before)


def test_there_is_an_example_of_every_operation() -> None:
    assert set(EXAMPLES) == set(METHODS)
    assert set(RULES) == set(EXPECTED)
    assert set(PUBLIC) == ANYBODY


def test_the_document_says_who_may_ask() -> None:
    for path in PATHS.values():
        for said in path.values():
            allowed = EXPECTED.get(said["operationId"])
            assert set(said.get("x-roles", ())) == set(allowed.roles.split() if allowed else ()), said["operationId"]
            assert said["security"] == ([] if allowed is None else [{"bearer": []}, {"certificate": []}])


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_is_answered_what_it_may_ask_and_nothing_else(tmp_path: Path, role: str) -> None:
    async with served(tmp_path) as (service, things):
        token = service.made.token("clinic" if role == "writer" else f"a-{role}", Role(role))
        for operation in EXAMPLES:
            answer, own = await logged(service, things, operation, token, role)
            if operation in ANYBODY:
                assert answer.status not in (401, 403), (operation, answer)
                assert own == [], operation
            elif role in EXPECTED[operation].roles.split():
                assert answer.status == EXAMPLES[operation].status, (operation, answer)
                require_logged(operation, own, "clinic" if role == "writer" else f"a-{role}")
            else:
                assert (answer.status, answer.slug) == (403, "forbidden"), (operation, answer)
                require_denied(operation, own, "clinic" if role == "writer" else f"a-{role}")


def require_logged(operation: str, own: list[dict[str, Any]], name: str) -> None:
    """What was answered is one own entry: of the request, or of the act."""
    if operation in NO_OWN:
        assert own == [], operation
        return
    if operation in DECIDED:
        decided = DECIDED[operation]
        decision, entry = own
        assert (decision["action"], decision["outcome"]) == (EXPECTED[operation].action, "allowed")
        assert decision["actor"]["id"] == name
        assert decision["details"] == {"act": entry["details"]["act"], "kind": entry["action"].removeprefix("tlog.")}
        assert (entry["action"], entry["outcome"]) in {("tlog.erasure", decided), ("tlog.grant", decided)}, entry
        assert name in (entry["actor"]["id"], entry["details"].get("approved_by")), entry
        return
    [entry] = own
    if operation in ACTED:
        assert (entry["action"], entry["outcome"]) == (ACTED[operation], "allowed"), entry
        assert entry["actor"]["id"] == name
    else:
        said = entry["actor"]["id"], entry["action"], entry["outcome"], entry["details"]["operation"]
        assert said == (name, EXPECTED[operation].action, "allowed", operation)
        assert len(entry["details"].get("waiting", ())) == (operation in WAITING), operation


def require_denied(
    operation: str, own: list[dict[str, Any]], name: str, about: Sequence[int] = (), status: int = 403
) -> None:
    """What was refused is one own entry that says so, and which entries it was about if anybody got that far."""
    [entry] = own
    said = entry["actor"]["id"], entry["action"], entry["outcome"], entry["details"]["operation"]
    assert said == (name, EXPECTED[operation].action, "denied", operation)
    assert entry["details"]["status"] == status
    assert set(shown(entry)) <= set(about)


def useless(service: Service, why: str) -> str | None:
    """Return a token of all roles that is worth nothing, or what is none."""
    if why == "nothing":
        return None
    if why == "garbage":
        return "tlog_" + "x" * 43
    if why == "looks like a JWT":
        return "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"
    everything = RowScope(frozenset({"clinic"}))
    new = NewToken("all", frozenset(Role), everything, expires_at=1 if why == "expired" else None)
    issued, text = service.made.log.tokens.issue(new)
    if why == "revoked":
        service.made.log.tokens.revoke(issued.token_id)
    return text


@pytest.mark.parametrize("why", ["nothing", "garbage", "looks like a JWT", "expired", "revoked"])
async def test_who_shows_nothing_valid_is_nobody_and_counted(tmp_path: Path, why: str) -> None:
    async with served(tmp_path) as (service, things):
        token = useless(service, why)
        before = service.made.log.store.state().size
        for operation in sorted(ANYBODY):
            assert (await send(service, operation, EXAMPLES[operation].path, token)).status not in (401, 403), operation
        assert service.made.log.store.state().size == before
        paths = [await things.path(EXAMPLES[operation], "dpo") for operation in EXPECTED]
        before = service.made.log.store.state().size
        asked = zip(EXPECTED, paths, strict=True)
        answers = await asyncio.gather(*(send(service, operation, path, token) for operation, path in asked))
        assert {(answer.status, answer.slug) for answer in answers} == {(401, "unauthorized")}
        counted: Counter[str] = Counter()
        for entry in stored_own(service.made, since=before):
            assert (entry["action"], entry["outcome"]) == ("tlog.access.refuse", "denied")
            assert entry["actor"] == {"type": "unauthenticated", "id": "unknown"}
            counted.update(entry["details"]["operations"])
        assert counted == dict.fromkeys(EXPECTED, 1)


NAMED: Final = {"readEntry", "readEntryById", "evidence", "caseFile"}
"""These name the entry at index 0, of the source `clinic` and the class `standard`."""
HIDDEN: Final = {"readEntryById"}
"""Of these, these are answered as if there were no such entry."""
NUMBERED: Final = {"sources"}
"""These tell of all classes of a source."""
SEARCHED: Final = {"findEntries", "searchEntries"}
"""These ask for entries of `clinic`."""


@pytest.mark.parametrize("role", ["reader", "auditor", "dpo"])
@pytest.mark.parametrize("limit", ["source", "class"])
async def test_who_is_limited_to_other_entries_is_refused_these(tmp_path: Path, role: str, limit: str) -> None:
    scope = RowScope(frozenset({"shop"})) if limit == "source" else RowScope(classes=frozenset({"clinical"}))
    beyond = NAMED | WHOLE | (SEARCHED if limit == "source" else NUMBERED)
    async with served(tmp_path) as (service, things):
        token = service.made.log.tokens.issue(NewToken("limited", frozenset({Role(role)}), scope))[1]
        for operation in sorted(EXPECTED):
            answer, own = await logged(service, things, operation, token, role)
            if role in EXPECTED[operation].roles.split() and operation not in beyond:
                assert answer.status == EXAMPLES[operation].status, (operation, answer)
                require_logged(operation, own, "limited")
                assert b"patient.record.read" not in answer.body, operation
                assert b"clinic" not in answer.body or limit == "class", operation
            elif operation in HIDDEN and role in EXPECTED[operation].roles.split():
                assert (answer.status, answer.slug) == (404, "not-found"), (operation, answer)
                require_denied(operation, own, "limited", status=404)
            else:
                assert (answer.status, answer.slug) == (403, "forbidden"), (operation, answer)
                require_denied(operation, own, "limited", [0] if operation in NAMED else [])


async def test_several_roles_together_may_what_each_may(tmp_path: Path) -> None:
    async with served(tmp_path) as (service, things):
        every = frozenset(Role) - {Role.WRITER}  # who writes is limited to sources
        token = service.made.log.tokens.issue(NewToken("all", every))[1]
        for operation in EXPECTED:
            answer, own = await logged(service, things, operation, token, "dpo")
            if operation in NO_OWN:
                assert answer.slug == "forbidden"
            else:
                assert answer.status == EXAMPLES[operation].status, (operation, answer)
                require_logged(operation, own, "all")
