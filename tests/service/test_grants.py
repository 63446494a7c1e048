"""Grants and revocations that something cuts short between two steps, in a log that goes on or is started again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import on_postgres_too
from tests.http.own_entries import stored_own
from tests.service.test_erasure import settings
from tests.support import MadeLog, running_log
from tlog.audit.entry import Actor
from tlog.cli.token import note
from tlog.errors import Conflict, Unavailable
from tlog.service.grants import REVOKED, revocation_id
from tlog.service.principal import Principal, of_token
from tlog.storage.act_store import ActState
from tlog.storage.roles import Role
from tlog.storage.token_store import Credential, NewToken, hash_of, new_secret, token_for

Urls = tuple[str, str] | None
Reopen = Callable[[], Any]


@pytest.fixture
def reopen(tmp_path: Path, urls: Urls) -> Reopen:
    """Runs the log; a second admin must agree."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[MadeLog]:
        async with running_log(tmp_path, settings=settings(second_person=True), urls=urls) as made:
            yield made

    return opened


def admin(made: MadeLog, name: str) -> Principal:
    return of_token(made.log.tokens.issue(token_for(Role.ADMIN, name))[0])


def cut(*_: Any, **__: Any) -> Any:
    raise Unavailable("the database can't be used now")


def cut_for(made: MadeLog, cut_action: str) -> Any:
    """Return what logs every own entry but those of an action."""
    log = made.log.acts.own.log

    async def logged(act_id: bytes, actor: Actor, action: str, *more: Any, **named: Any) -> int:
        return cut() if action == cut_action else await log(act_id, actor, action, *more, **named)

    return logged


@pytest.mark.parametrize("decision", ["approve", "decline"])
async def test_a_decision_that_cannot_be_logged_changes_nothing(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    new, text = token_for(Role.AUDITOR, "jane"), new_secret()
    async with reopen() as made:
        acts, ida = made.log.acts, admin(made, "ida")
        _, act = await made.log.grants.request(new, hash_of(text), admin(made, "otto"))
        monkeypatch.setattr(acts.own, "log", cut_for(made, f"tlog.act.{decision}"))
        with pytest.raises(Unavailable):
            await getattr(acts, decision)(act.act_id, ida)
        monkeypatch.undo()
        assert acts.store.get(act.act_id).state is ActState.PENDING
        assert "jane" not in [token.name for token in made.log.tokens.all()]
        await getattr(acts, decision)(act.act_id, ida)
        [entry] = stored_own(made, f"tlog.act.{decision}")
        assert (entry["actor"], entry["outcome"]) == ({"type": "token", "id": "ida"}, "allowed")


async def test_what_was_declined_and_went_no_further_is_declined_by_the_next_decision(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reopen() as made:
        acts, ida = made.log.acts, admin(made, "ida")
        _, act = await made.log.grants.request(
            token_for(Role.AUDITOR, "jane"), hash_of(new_secret()), admin(made, "otto")
        )
        monkeypatch.setattr(acts.own, "log", cut_for(made, "tlog.grant"))
        with pytest.raises(Unavailable):
            await acts.decline(act.act_id, ida)
        monkeypatch.undo()
        with pytest.raises(Conflict, match="declined"):
            await acts.approve(act.act_id, ida)
        [entry] = stored_own(made, "tlog.grant")
        assert (entry["outcome"], entry["details"]["declined"]) == ("denied", True)
        assert stored_own(made, "tlog.act.approve") == []
        assert len(stored_own(made, "tlog.act.decline")) == 1


@on_postgres_too
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_logged_as_declined_is_approved_by_nobody(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    new, text = token_for(Role.AUDITOR, "jane"), new_secret()
    async with reopen() as made:
        acts = made.log.acts
        _, act = await made.log.grants.request(new, hash_of(text), admin(made, "otto"))
        ida = admin(made, "ida")
        monkeypatch.setattr(acts.store, "move", cut)
        with pytest.raises(Unavailable):
            await acts.decline(act.act_id, ida)
        monkeypatch.undo()
        assert acts.store.get(act.act_id).state is ActState.PENDING
        if not restarted:
            with pytest.raises(Conflict, match="declined"):
                await acts.approve(act.act_id, ida)
    async with reopen() as made:
        await made.log.acts.stop()  # what a start finishes
        ended = made.log.acts.store.get(act.act_id)
        assert (ended.state, ended.payload) == (ActState.DECLINED, None)
        assert [entry["outcome"] for entry in stored_own(made, "tlog.grant")] == ["denied"]
        assert "jane" not in [token.name for token in made.log.tokens.all()]


async def test_a_grant_that_could_not_be_logged_is_finished_by_the_next_one(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reopen() as made:
        grants, otto, ida = made.log.grants, admin(made, "otto"), admin(made, "ida")
        _, act = await grants.request(token_for(Role.AUDITOR, "jane"), hash_of(new_secret()), otto)
        monkeypatch.setattr(made.log.acts.own, "log", cut_for(made, "tlog.grant"))
        with pytest.raises(Unavailable):
            await made.log.acts.approve(act.act_id, ida)
        monkeypatch.undo()
        assert made.log.acts.store.get(act.act_id).state is ActState.BEGUN
        await grants.request(token_for(Role.AUDITOR, "tim"), hash_of(new_secret()), otto)
        assert made.log.acts.store.get(act.act_id).state is ActState.DONE
        assert [entry["details"]["name"] for entry in stored_own(made, "tlog.grant")] == ["jane"]


@on_postgres_too
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_logged_as_revoked_is_revoked_and_logged_once(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    async with reopen() as made:
        otto, (jane, _) = admin(made, "otto"), made.log.tokens.issue(token_for(Role.AUDITOR, "jane"))
        monkeypatch.setattr(made.log.tokens, "revoke", cut)
        with pytest.raises(Unavailable):
            await made.log.grants.revoke(jane.token_id, otto)
        monkeypatch.undo()
        assert jane in made.log.tokens.all_in_force()
        if not restarted:
            await made.log.grants.revoke(jane.token_id, otto)
    async with reopen() as made:
        assert [token.name for token in made.log.tokens.all_in_force()] == ["otto"]
        assert [entry["details"] for entry in stored_own(made, REVOKED)] == [{"token": jane.token_id}]


async def test_what_the_command_line_noted_and_did_not_do_is_done_by_the_next_start(
    reopen: Reopen, tmp_path: Path
) -> None:
    async with reopen() as made:
        jane = made.log.tokens.issue(token_for(Role.AUDITOR, "jane"))[0]
    for _ in range(2):
        note(tmp_path, REVOKED, {"token": jane.token_id}, revocation_id(jane))
    async with reopen() as made:
        assert [token.name for token in made.log.tokens.all_in_force()] == []
        assert [entry["details"] for entry in stored_own(made, REVOKED)] == [{"token": jane.token_id}]


async def test_a_link_that_was_used_before_its_grant_was_logged_was_granted(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is used its text is worth nothing, and what is stored of it is of the session that it opened."""
    new, text = NewToken("jane", frozenset({Role.AUDITOR}), credential=Credential.LINK), new_secret()
    async with reopen() as made:
        token_id, act = await made.log.grants.request(new, hash_of(text), admin(made, "otto"))
        monkeypatch.setattr(made.log.acts.own, "log", cut_for(made, "tlog.grant"))
        with pytest.raises(Unavailable):
            await made.log.acts.approve(act.act_id, admin(made, "ida"))
        monkeypatch.undo()
        session = made.log.tokens.use_link(text)
        assert session.token_id == token_id
        assert not await made.log.acts.finish_others()
        assert made.log.acts.store.get(act.act_id).state is ActState.DONE
        assert [entry["outcome"] for entry in stored_own(made, "tlog.grant")] == ["allowed"]
        assert [token for token in made.log.tokens.all() if token.name == "jane"] == [session]
