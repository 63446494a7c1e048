"""Erasure of one person, end to end, on both back ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.conftest import NewUrl
from tests.service.traces import files_of, found, key_of, key_traces, part_traces, require_cleaned, table_files
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.entry import JSON
from tlog.audit.opened import OpenedEntry
from tlog.errors import BadRequest, Damaged, Held, Unavailable
from tlog.keys.keyring import actor_identity
from tlog.service.erasure import Erasure, Erasures
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.hold_acts import HoldRequest
from tlog.service.intake import AppendRequest
from tlog.service.principal import Principal, of_token
from tlog.service.settings import LogSettings
from tlog.storage.act_store import ActKind, ActState
from tlog.storage.hold_store import HoldKind
from tlog.storage.roles import Role
from tlog.storage.tables import personal
from tlog.storage.token_store import token_for

ANNA, BERT = Person("subject", "anna-marker-7"), Person("subject", "bert-8")
WHO = {"legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}


def settings(**changed: Any) -> LogSettings:
    return LogSettings(checkpoint_interval=0.02, sealing_processes=0, **changed)


@pytest.fixture
async def made(tmp_path: Path, new_url: NewUrl) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        yield made


def urls(new_url: NewUrl) -> tuple[str, str]:
    return new_url(), new_url()


def erasures(made: MadeLog) -> Erasures:
    assert made.log.erasures is not None
    return made.log.erasures


def dpo(made: MadeLog, name: str = "dana") -> Principal:
    return of_token(made.log.tokens.issue(token_for(Role.DPO, name))[0])


def asked(person: Person = ANNA, /, **changed: Any) -> ErasureRequest:
    return ErasureRequest(person, **(WHO | changed))


async def append(made: MadeLog, *documents: Mapping[str, Any]) -> list[int]:
    body = json.dumps(list(documents)).encode()
    return [p.index for p in await made.log.appender.append(AppendRequest(body, JSON, frozenset({"clinic"})))]


def about(*subjects: str, **fields: Any) -> dict[str, Any]:
    listed = [{"id": subject, "data": {"name": f"name of {subject}"}} for subject in subjects]
    return entry_document(subjects=listed, details={"note": f"on {subjects}"}, **fields)


def opened(made: MadeLog, index: int) -> OpenedEntry:
    return made.log.entries.opened(made.log.entries.stored(index))


async def test_a_subject_is_erased_and_the_rest_still_verifies(made: MadeLog) -> None:
    alone, both, other = await append(made, about(ANNA.id), about(BERT.id, ANNA.id), about(BERT.id))
    before = opened(made, both)
    done = await erasures(made).request(asked(reason="asked for it"), dpo(made))
    assert done.status == "done"
    assert (done.extent.entries, done.extent.parts, done.extent.other_subjects_affected) == (2, 4, 1)
    after = opened(made, both)
    assert after.erased == ("subjects[1]", "shared")
    assert after.entry["subjects"] == [before.entry["subjects"][0], None]
    assert after.entry["actor"] == before.entry["actor"]
    assert opened(made, alone).erased == ("subjects[0]", "shared")
    assert opened(made, other).erased == ()
    stored = made.log.entries.stored(both)
    act = await asyncio.to_thread(made.log.acts.store.get, done.act or b"")
    assert (stored.columns["shared_act"], stored.personal[2].act, stored.personal[2].key_id) == (act.act, act.act, None)
    assert stored.columns["terms"] == b""
    assert made.parts.keyring.find_person("subject", ANNA.id) is None


async def test_the_erasure_is_an_entry_that_names_who_and_why_but_not_whom(made: MadeLog) -> None:
    await append(made, about(ANNA.id))
    done = await erasures(made).request(asked(reason="asked for it"), dpo(made))
    assert done.index is not None
    entry = opened(made, done.index).entry
    assert (entry["source"], entry["action"], entry["outcome"]) == ("tlog", "tlog.erasure", "allowed")
    assert entry["actor"] == {"type": "token", "id": "dana", "name": "Dana Officer"}
    assert entry["legal_basis"] == WHO["legal_basis"]
    assert entry["details"]["act"] == entry["id"]
    assert (entry["details"]["entries"], entry["details"]["parts"]) == (1, 2)
    assert entry["details"]["reason"] == "asked for it"
    assert ANNA.id not in json.dumps(entry)
    act = made.log.acts.store.get(done.act or b"")
    assert (act.payload, act.entry_index) == (None, done.index)


async def test_an_actor_goes_and_the_subjects_stay(made: MadeLog) -> None:
    [index] = await append(made, about(ANNA.id))
    actor = Person("actor", actor_identity("employee", "e-1007"))
    assert (await erasures(made).request(asked(actor), dpo(made))).extent.parts == 1
    after = opened(made, index)
    assert after.erased == ("actor",)
    assert after.entry["subjects"][0]["id"] == ANNA.id
    assert after.entry["targets"]


async def test_a_returning_person_has_a_new_key_and_no_link_to_the_past(made: MadeLog) -> None:
    [before] = await append(made, about(ANNA.id))
    old = made.parts.keyring.find_person("subject", ANNA.id)
    await erasures(made).request(asked(), dpo(made))
    [after] = await append(made, about(ANNA.id))
    new = made.parts.keyring.find_person("subject", ANNA.id)
    assert new is not None
    assert new != old
    assert opened(made, after).erased == ()
    assert opened(made, before).entry["subjects"] == [None]
    assert erasures(made)._eraser.erasures.places(new) == [(after, 1)]


async def test_who_is_not_here_is_nothing_to_erase_and_nothing_is_logged(made: MadeLog) -> None:
    await append(made, about(BERT.id))
    size = made.log.store.state().size
    assert await erasures(made).request(asked(), dpo(made)) == Erasure("nothing-to-erase")
    assert await erasures(made).plan(ANNA) == Erasure("nothing-to-erase")
    assert made.log.store.state().size == size


async def test_a_plan_counts_and_changes_nothing(made: MadeLog) -> None:
    indices = await append(made, about(ANNA.id), about(ANNA.id, BERT.id), about(BERT.id))
    planned = await erasures(made).plan(ANNA)
    assert (planned.status, planned.act, planned.index) == ("dry-run", None, None)
    assert (planned.extent.entries, planned.extent.parts, planned.extent.other_subjects_affected) == (2, 4, 1)
    received = [made.log.entries.stored(i).columns["received_at"] for i in indices]
    assert planned.extent.first_received_at == received[0]
    assert all(opened(made, index).erased == () for index in indices)


async def test_a_second_request_while_one_is_under_way_finds_it(tmp_path: Path) -> None:
    reached, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    async with running_log(tmp_path, step=lambda name: reached.set() if name == "begun" else None) as made:
        await append(made, about(ANNA.id))
        await hold_at_run(made, go)
        first = loop.create_task(erasures(made).request(asked(), dpo(made)))
        await reached.wait()
        second = await erasures(made).request(asked(), dpo(made, "eve"))
        assert second.status == "running"
        go.set()
        done = await first
        assert (done.status, done.act) == ("done", second.act)
        assert (await erasures(made).request(asked(), dpo(made))).status == "nothing-to-erase"


async def hold_at_run(made: MadeLog, go: asyncio.Event) -> None:
    """Let the executor of erasures wait for `go`."""
    inner = erasures(made)

    class Waiting:
        async def run(self, act: Any) -> Any:
            await go.wait()
            return await inner.run(act)

    made.log.acts.register(ActKind.ERASURE, Waiting())


@pytest.mark.parametrize("field", ["legal_basis", "authorised_by", "reason"])
async def test_a_text_that_names_the_person_is_refused(made: MadeLog, field: str) -> None:
    await append(made, about(ANNA.id))
    changed: dict[str, Any] = {field: f"for {ANNA.id.upper()}!"}
    with pytest.raises(BadRequest, match=f"^{field}: ") as caught:
        await erasures(made).request(asked(ANNA, **changed), dpo(made))
    assert ANNA.id not in str(caught.value).lower()


def test_a_short_id_is_looked_for_as_a_word() -> None:
    asked(Person("subject", "q7"), reason="by req7uest").check()
    with pytest.raises(BadRequest):
        asked(Person("subject", "q7"), reason="of q7, by request").check()


class HeldOnes:
    def __init__(self, subjects: Sequence[int] = (), indices: Sequence[int] = ()) -> None:
        self._subjects, self._indices = subjects, indices

    def on_subject(self, key_id: int) -> Sequence[int]:
        return [3] if key_id in self._subjects else []

    def held(self, indices: Sequence[int]) -> Mapping[int, Sequence[int]]:
        return {index: [5] for index in indices if index in self._indices}

    def names(self, key_id: int) -> bool:
        return key_id in self._subjects

    def rekey(self, old: int, new: int) -> None:
        raise AssertionError(f"nobody is named, {old} and {new} neither")

    def count(self) -> int:
        return 1


@pytest.mark.parametrize("held", ["subject", "entry"])
async def test_what_is_held_is_not_erased_and_the_refusal_is_an_entry(made: MadeLog, held: str) -> None:
    index, _ = await append(made, about(ANNA.id), about(ANNA.id))
    key_id = made.parts.keyring.find_person("subject", ANNA.id)
    assert key_id is not None
    erasures(made).steps.holds = HeldOnes([key_id]) if held == "subject" else HeldOnes((), [index])
    number = 3 if held == "subject" else 5
    assert list((await erasures(made).plan(ANNA)).held) == [number]
    with pytest.raises(Held, match=f"hold {number}.*entry 2 of the log"):
        await erasures(made).request(asked(), dpo(made))
    assert opened(made, index).erased == ()
    entry = opened(made, 2).entry
    assert (entry["action"], entry["outcome"], entry["details"]["held_by"]) == ("tlog.erasure", "denied", [number])
    assert made.parts.keyring.find_person("subject", ANNA.id) == key_id


def damage(made: MadeLog, index: int) -> None:
    with made.parts.database.write() as connection:
        change = update(personal).where(personal.c.log_index == index, personal.c.part == 1)
        connection.execute(change.values(ciphertext=b"\x01" + bytes(60)))


async def test_a_damaged_entry_stops_an_erasure_before_anything_is_destroyed(made: MadeLog) -> None:
    good, bad = await append(made, about(ANNA.id), about(ANNA.id))
    damage(made, bad)
    key_id = made.parts.keyring.find_person("subject", ANNA.id)
    with pytest.raises(Damaged, match=f"entry {bad} does not open.*tlog fsck"):
        await erasures(made).request(asked(), dpo(made))
    assert opened(made, good).erased == ()
    assert made.parts.keyring.find_person("subject", ANNA.id) == key_id
    assert opened(made, 2).entry["outcome"] == "failed"
    done = await erasures(made).request(asked(even_damaged=True), dpo(made))
    assert done.status == "done"
    assert opened(made, good).erased == ("subjects[0]", "shared")
    assert made.log.entries.stored(bad).personal[1].ciphertext == b"\x02"
    assert opened(made, done.index or 0).entry["details"]["entries_damaged"] == 1


async def test_what_was_sealed_before_and_stored_after_is_sealed_again_under_a_new_key(
    tmp_path: Path, new_url: NewUrl
) -> None:
    """The race: an append is sealed, the whole erasure happens, and only then does the append reach the database."""
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        await append(made, about(ANNA.id))
        old = made.parts.keyring.find_person("subject", ANNA.id)
        release = await hold_next_append(made)
        late = asyncio.get_running_loop().create_task(append(made, about(ANNA.id)))
        await release.sealed.wait()
        done = await erasures(made).request(asked(), dpo(made))
        release.go.set()
        [index] = await late
        new = made.parts.keyring.find_person("subject", ANNA.id)
        assert (done.extent.entries, old != new) == (1, True)
        assert made.log.entries.stored(index).personal[1].key_id == new
        assert opened(made, index).entry["subjects"][0]["id"] == ANNA.id


class Release:
    def __init__(self) -> None:
        self.sealed, self.go = asyncio.Event(), asyncio.Event()


async def hold_next_append(made: MadeLog) -> Release:
    """Let the next request of the source wait between sealing and storing; the log's own entries pass."""
    release, inner = Release(), made.log.sequencer.append

    async def waiting(request: Any) -> Any:
        if request.rows[0].columns["source"] != "tlog" and not release.sealed.is_set():
            release.sealed.set()
            await release.go.wait()
        return await inner(request)

    made.log.sequencer.append = waiting  # type: ignore[assignment, method-assign]
    return release


async def test_appends_during_a_large_erasure_keep_flowing_and_none_is_lost(tmp_path: Path, new_url: NewUrl) -> None:
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        for _ in range(4):
            await append(made, *(about(ANNA.id) for _ in range(250)))
        task = asyncio.get_running_loop().create_task(erasures(made).request(asked(), dpo(made)))
        placed: list[int] = []
        while not task.done():
            placed += await append(made, about(ANNA.id), about(BERT.id))
        done = await task
        assert done.extent.entries >= 1000
        assert len(placed) > 4
        new = made.parts.keyring.find_person("subject", ANNA.id)
        rows = made.log.store.entries_at(range(made.log.store.state().size))
        kept = [row for row in rows.values() if row.personal[1:] and row.personal[1].key_id == new]
        assert len(kept) + done.extent.entries == 1000 + len(placed) // 2
        assert all(isinstance(found, OpenedEntry) for found in made.log.entries.open_all(list(rows.values())))


async def test_a_second_person_approves(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        [index] = await append(made, about(ANNA.id))
        dana, eve = dpo(made), dpo(made, "eve")
        pending = await erasures(made).request(asked(), dana)
        assert pending.status == "pending"
        assert (await erasures(made).request(asked(), eve)).act == pending.act
        assert opened(made, index).erased == ()
        act = await made.log.acts.approve(pending.act or b"", eve)
        assert erasures(made).describe(act).status == "done"
        assert opened(made, index).erased == ("subjects[0]", "shared")
        assert opened(made, act.entry_index or 0).entry["details"]["approved_by"] == "eve"


async def test_a_hold_that_was_placed_before_the_approval_stops_the_erasure(tmp_path: Path) -> None:
    """Nobody held it when it was asked for; so whoever runs it must ask again."""
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        [index] = await append(made, about(ANNA.id))
        key_id = made.parts.keyring.find_person("subject", ANNA.id)
        pending = await erasures(made).request(asked(), dpo(made))
        assert pending.status == "pending"
        assert made.log.holds is not None
        asked_hold = HoldRequest(HoldKind.LEGAL, "C-1", "claim", "Dana", subject=ANNA.id)
        hold = await made.log.holds.place(asked_hold, dpo(made))
        with pytest.raises(Held, match=f"hold {hold.hold}.*entry 3 of the log"):
            await made.log.acts.approve(pending.act or b"", dpo(made, "eve"))
        assert opened(made, index).erased == ()
        assert made.parts.keyring.find_person("subject", ANNA.id) == key_id
        assert made.log.acts.store.get(pending.act or b"").state is ActState.REFUSED
        entry = opened(made, 3).entry
        assert (entry["action"], entry["outcome"]) == ("tlog.erasure", "denied")
        assert (entry["details"]["held_by"], entry["details"]["approved_by"]) == ([hold.hold], "eve")


async def test_what_could_not_be_finished_is_finished_by_the_next_request(
    made: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cleaning fails once, after the key is gone: the act stays `applied`, and is neither forgotten nor repeated."""
    [index] = await append(made, about(ANNA.id))
    with monkeypatch.context() as broken:
        broken.setattr(type(made.parts.keyring), "scrub", lambda _: (_ for _ in ()).throw(Unavailable("busy")))
        with pytest.raises(Unavailable):
            await erasures(made).request(asked(), dpo(made))
    [act] = made.log.acts.store.in_states([ActState.APPLIED])
    assert (await erasures(made).request(asked(), dpo(made))).status == "nothing-to-erase"
    done = made.log.acts.store.get(act.act_id)
    assert (done.state, done.payload) == (ActState.DONE, None)
    assert opened(made, done.entry_index or 0).entry["details"]["entries"] == 1
    assert opened(made, index).erased == ("subjects[0]", "shared")


PLAIN = {
    "name": b"name-marker-ZW9928",
    "data": b"data-marker-KD5512",
    "target": b"target-marker-LP3377",
    "correlation": b"trace-marker-HB6640",
}


def marked(**fields: Any) -> dict[str, Any]:
    """Return an entry with a marker of its own in every field that names somebody or something."""
    said = {name: value.decode() for name, value in PLAIN.items()}
    document: dict[str, Any] = {
        "subjects": [{"id": ANNA.id, "data": {"name": said["name"], "note": said["data"]}}],
        "targets": [{"type": "record", "id": said["target"]}],
        "correlation": {"trace_id": said["correlation"]},
        "details": {"note": said["data"]},
    }
    return entry_document(**document | fields)


async def test_nothing_readable_is_left_in_any_file(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest
) -> None:
    """Plain text never was there. Key, parts and terms were; they are gone from heap, index and write-ahead log."""
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        content = files_of(made, request)
        await append(made, *(about(f"somebody-{number}") for number in range(300)))
        await append(made, *(marked() for _ in range(20)))
        await require_erased_in_files(made, ANNA, {**PLAIN, "id": ANNA.id.encode()}, content)


async def test_nothing_readable_of_an_actor_is_left_in_any_file(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest
) -> None:
    actor = Person("actor", actor_identity("kind-marker-VD8846", "actor-marker-RT2275"))
    plain = {"type": b"kind-marker-VD8846", "id": b"actor-marker-RT2275", "name": b"name-marker-ZW9928"}
    said = {name: value.decode() for name, value in plain.items()}
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        content = files_of(made, request)
        await append(made, *(about(f"somebody-{number}") for number in range(300)))
        await append(made, *(about(BERT.id, actor=said) for _ in range(20)))
        await require_erased_in_files(made, actor, plain, content)


async def require_erased_in_files(
    made: MadeLog, person: Person, plain: Mapping[str, bytes], content: Callable[[], bytes]
) -> None:
    """Erase somebody and require that nothing of theirs is in the files.

    PostgreSQL keeps the bytes of dead rows until their place is needed: their key is gone, and they are vacuumed.
    """
    database = made.parts.database
    keys = key_traces(made, person.role, person.identity)
    parts = part_traces(made, key_of(made, person.role, person.identity))
    before = content()
    assert found(keys | parts, before) == list(keys | parts), "nothing to look for"
    assert found(plain, before) == []
    tables = {} if database.is_sqlite else table_files(database)
    for analyzed in (database, made.keyring_database):
        analyzed.maintain("ANALYZE")  # as autovacuum does whenever it likes; it keeps samples of what it read
    assert (await erasures(made).request(asked(person), dpo(made))).extent.entries == 20
    left = content()
    assert found(plain, left) == []
    assert found(keys | parts if database.is_sqlite else keys, left) == []
    if not database.is_sqlite:
        require_cleaned(database, tables, small=["acts"])
