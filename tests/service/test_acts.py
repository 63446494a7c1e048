from __future__ import annotations

import asyncio
from base64 import b64decode
from pathlib import Path

import pytest

from tests.http.own_entries import stored_own
from tests.service.test_erasure import ANNA, about, append, asked, dpo, erasures, opened, settings
from tests.support import make_log, running_log
from tlog.errors import Conflict, Forbidden, LogHalted, NotFound, Unavailable
from tlog.service.acts import new_act_id, parse_act_id
from tlog.service.principal import Principal
from tlog.service.second_person import require_second
from tlog.storage.act_store import Act, ActKind, ActState
from tlog.storage.roles import Role


def token(token_id: str, name: str) -> Principal:
    return Principal("token", token_id, name, frozenset({Role.DPO}))


@pytest.mark.parametrize(("token_id", "name"), [("a1", "dana"), ("a1", "eve"), ("b2", "dana")])
def test_who_asked_is_no_second_person(token_id: str, name: str) -> None:
    with pytest.raises(Forbidden):
        require_second("a1", "dana", token(token_id, name))
    require_second("a1", "dana", token("b2", "eve"))


async def test_an_act_that_does_not_wait_is_neither_approved_nor_declined(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        await append(made, about(ANNA.id))
        done = await erasures(made).request(asked(), dpo(made))
        for decide in (made.log.acts.approve, made.log.acts.decline):
            with pytest.raises(Conflict, match="it is done"):
                await decide(done.act or b"", dpo(made, "eve"))
            with pytest.raises(NotFound):
                await decide(new_act_id(), dpo(made, "eve"))


async def test_two_who_approve_at_once_have_it_done_once(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        await append(made, about(ANNA.id))
        pending = await erasures(made).request(asked(), dpo(made))
        tokens = [dpo(made, name) for name in ("eve", "finn")]
        ended = await asyncio.gather(
            *(made.log.acts.approve(pending.act or b"", token) for token in tokens), return_exceptions=True
        )
        assert {type(found) for found in ended} == {Act, Conflict}
        assert [entry["action"] for entry in stored_own(made)] == ["tlog.act.approve", "tlog.erasure"]


async def test_what_waits_for_a_second_person_survives_a_restart(tmp_path: Path) -> None:
    both = settings(second_person=True)
    async with running_log(tmp_path, settings=both) as made:
        [index] = await append(made, about(ANNA.id))
        pending = await erasures(made).request(asked(), dpo(made))
    async with running_log(tmp_path, settings=both) as made:
        assert opened(made, index).erased == ()
        act = await made.log.acts.approve(pending.act or b"", dpo(made, "eve"))
        assert (act.state, act.payload) == (ActState.DONE, None)
        assert opened(made, index).erased == ("subjects[0]", "shared")


async def test_what_waits_goes_on_waiting_when_the_second_person_is_turned_off(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        await append(made, about(ANNA.id))
        pending = await erasures(made).request(asked(), dpo(made))
    async with running_log(tmp_path, settings=settings()) as made:
        again = await erasures(made).request(asked(), dpo(made))
        assert (again.status, again.act) == ("pending", pending.act)
        with pytest.raises(Forbidden):
            await made.log.acts.approve(pending.act or b"", dpo(made))
        assert (await made.log.acts.approve(pending.act or b"", dpo(made, "eve"))).state is ActState.DONE


async def test_nothing_begins_before_the_start_or_once_halted(tmp_path: Path) -> None:
    made = make_log(tmp_path, settings=settings())
    with pytest.raises(Unavailable, match="starting"):
        await made.log.acts.begin(ActKind.ERASURE, {}, None)
    await made.log.start()
    made.log.publisher._stop_signing("a witness knows more")
    with pytest.raises(LogHalted, match="knows more; nothing was changed"):
        await made.log.acts.begin(ActKind.ERASURE, {}, None)
    assert made.log.acts.store.newest(ActKind.ERASURE, 1) == []
    await made.log.stop()
    made.close()


async def test_what_an_act_says_is_stored_encrypted_and_bound_to_it(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        await append(made, about(ANNA.id))
        pending = await erasures(made).request(asked(), dpo(made))
        act = made.log.acts.store.get(pending.act or b"")
        assert act.payload is not None
        assert ANNA.id.encode() not in act.payload
        sealed = made.log.acts.payload(act)["identity"]
        assert ANNA.id.encode() not in b64decode(sealed)
        eraser = erasures(made).steps.eraser
        assert eraser.identity(act.key_id or 0, sealed) == ANNA.id
        made.parts.keyring.destroy_person(act.key_id or 0)
        assert eraser.identity(act.key_id or 0, sealed) is None, "an old copy of the acts names nobody"
        other = made.log.acts.store.add(new_act_id(), ActKind.ERASURE, ActState.PENDING, 1, payload=act.payload)
        assert made.log.acts.payload(other) == {}


def test_ids_of_acts() -> None:
    act_id = new_act_id()
    assert len(act_id) == 16
    for text in ("", "7", "x" * 36, "../x"):
        with pytest.raises(NotFound):
            parse_act_id(text)
