"""Exports over a real log: all of it or a refusal, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.audit.access_material import OTHER, PERSON, planted
from tests.conftest import on_postgres_too
from tests.service.erased import EXPIRE, run
from tests.service.test_erasure import append, asked, damage, dpo, erasures, opened, settings
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.subject_access_csv import encode_csv
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import BadRequest, TooLarge, Unavailable
from tlog.service import collected_access
from tlog.service.acts import new_act_id
from tlog.service.erasure_request import Person
from tlog.service.evidence import EvidenceMaker
from tlog.service.retention_rules import RetentionClass
from tlog.service.subject_access import AccessRequest, Made, SubjectAccessMaker
from tlog.storage.lookup.conditions import Window
from web.subject_access_page import subject_access_page


@pytest.fixture
async def made(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path / "log", settings=settings(), urls=urls) as made:
        yield made


def maker(made: MadeLog, page: int = 2, **classes: int) -> SubjectAccessMaker:
    log = made.log
    kept = {name: RetentionClass(name, months, "a reason") for name, months in classes.items()}
    evidence = EvidenceMaker(log.store, log.proofs, log.policy, log.acts.now)
    return SubjectAccessMaker(log.lookup, kept, log.signer.origin, evidence, log.acts.now, page)


def request(**fields: Any) -> AccessRequest:
    return AccessRequest(**{"subject": PERSON, "authorised_by": "Dana Officer"} | fields)


async def make(made: MadeLog, of: SubjectAccessMaker | None = None, size: int = 1000, **fields: Any) -> Made:
    maker_ = of or maker(made)
    return await asyncio.to_thread(maker_.make, request(**fields), size, new_act_id())


def indices(made: Made) -> list[int]:
    return [entry.index for entry in made.export.entries]


@on_postgres_too
async def test_every_entry_of_the_person_over_many_pages_oldest_first(made: MadeLog) -> None:
    for number in range(9):
        await append(made, planted(), planted(subjects=[OTHER]), entry_document(subjects=[{"id": f"p-{number}"}]))
    assert indices(await make(made)) == list(range(0, 27, 3))


@on_postgres_too
async def test_entries_in_which_the_person_only_acted_are_theirs_too_and_each_stands_once(made: MadeLog) -> None:
    self_ = {"type": "patient", "id": PERSON}
    await append(
        made,
        planted(actor=self_, subjects=[OTHER]),
        planted(actor=self_),
        planted(actor={"type": "employee", "id": PERSON}, subjects=[OTHER]),
    )
    found = await make(made)
    assert [(entry.index, entry.named_as) for entry in found.export.entries] == [
        (0, ["actor"]),
        (1, ["subject", "actor"]),
    ]


async def test_what_came_after_the_tree_size_is_not_in_it(made: MadeLog) -> None:
    await append(made, *(planted() for _ in range(5)))
    found = await make(made, size=3)
    assert (indices(found), found.export.tree_size) == ([0, 1, 2], 3)


@on_postgres_too
async def test_entries_that_come_meanwhile_change_nothing(made: MadeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two pages more entries of the person are appended; the export is that of its tree size."""
    await append(made, *(planted() for _ in range(6)))
    before_each_page(made, monkeypatch, lambda: append(made, planted()))
    assert indices(await make(made, size=6)) == list(range(6))
    assert made.log.store.state().size > 8


@on_postgres_too
async def test_an_erasure_that_comes_meanwhile_is_a_refusal_and_no_short_file(
    made: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(made, *(planted() for _ in range(6)))
    token, pages = dpo(made), iter(range(100))

    async def erase_at_second_page() -> None:
        if next(pages) == 1:
            await erasures(made).request(asked(Person("subject", PERSON)), token)

    before_each_page(made, monkeypatch, erase_at_second_page)
    with pytest.raises(Unavailable, match="was erased"):
        await make(made)
    monkeypatch.undo()
    assert indices(await make(made)) == []


def before_each_page(made: MadeLog, monkeypatch: pytest.MonkeyPatch, work: Any) -> None:
    loop, page = asyncio.get_running_loop(), made.log.lookup.page

    def worked(*arguments: Any) -> Any:
        asyncio.run_coroutine_threadsafe(work(), loop).result(20)
        return page(*arguments)

    monkeypatch.setattr(made.log.lookup, "page", worked)


@on_postgres_too
async def test_a_damaged_entry_is_listed_and_not_dropped(made: MadeLog) -> None:
    _, second, _ = await append(made, planted(), planted(), planted())
    damage(made, second)
    found = await make(made)
    assert indices(found) == [0, 2]
    [broken] = found.export.unreadable
    assert (broken.index, broken.source, broken.action) == (second, "clinic", "patient.record.read")
    assert broken.problem
    assert broken.received_at == opened(made, 0).entry["received_at"]


@on_postgres_too
@pytest.mark.parametrize("change", ["DELETE FROM entries", "UPDATE entries SET entry_id = NULL"])
async def test_an_entry_whose_row_was_taken_away_is_listed(made: MadeLog, change: str) -> None:
    await append(made, planted(), planted(), planted())
    with made.parts.database.write() as connection:
        connection.exec_driver_sql(f"{change} WHERE log_index = 1")
    found = await make(made)
    assert indices(found) == [0, 2]
    [lost] = found.export.unreadable
    assert (lost.index, lost.received_at, lost.source) == (1, None, None)
    assert "by no act of the log" in lost.problem
    assert b"by no act of the log" in encode_csv(found.export)
    assert b"by no act of the log" in subject_access_page(found.export)


@on_postgres_too
async def test_an_entry_that_expired_meanwhile_is_not_there(made: MadeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await append(made, planted(), planted(), planted())
    statements = [statement.format(where="WHERE log_index = 1") for statement in EXPIRE]
    monkeypatch.setattr(made.log.store, "entries_at", after(made.log.store.entries_at, statements, made))
    found = await make(made, maker(made, page=10))
    assert (indices(found), found.export.unreadable) == ([0, 2], [])


def after(entries_at: Any, statements: list[str], made: MadeLog) -> Any:
    """Expire between the look-up of indices and the reading of their rows, once."""
    left = [statements]

    def read(asked: Any) -> Any:
        if left:
            run(made.parts.database, left.pop())
        return entries_at(asked)

    return read


@on_postgres_too
async def test_the_period_is_of_when_it_happened_and_its_end_is_not_in_it(made: MadeLog) -> None:
    days = [f"2026-03-0{day}T00:00:00.000000Z" for day in (1, 2, 3, 4)]
    await append(made, *(planted(occurred_at=day) for day in days))
    start, end = (entry["occurred_at"] for entry in (opened(made, 1).entry, opened(made, 3).entry))
    found = await make(made, period=Window(1_772_409_600_000_000, 1_772_582_400_000_000))
    assert (found.export.start, found.export.end) == (start, end)
    assert indices(found) == [1, 2]


async def test_more_than_a_file_holds_is_refused_with_what_to_do(
    made: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(made, *(planted() for _ in range(4)))
    for name, limit, evidence in (("MAX_ENTRIES", 3, False), ("MAX_SHOWN_BYTES", 2000, False), ("MAX_PROVED", 3, True)):
        with monkeypatch.context() as patch:
            patch.setattr(collected_access, name, limit)
            with pytest.raises(TooLarge, match="shorter periods with from and to; nothing was made"):
                await make(made, evidence=evidence)


async def test_retention_is_said_for_the_log_and_for_each_entry(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        await append(made, planted())
        found = await make(made, maker(made, standard=12, clinical=120))
        assert [(period.name, period.months) for period in found.export.retention] == [
            ("clinical", 120),
            ("standard", 12),
        ]
        [entry] = found.export.entries
        assert entry.expires_at is not None
        assert entry.expires_at[8:] == "01T00:00:00.000000Z"
        assert int(entry.expires_at[:4]) - int(entry.received_at[:4]) in {1, 2}


@on_postgres_too
async def test_evidence_proves_every_readable_entry_and_shows_no_more_than_the_export(made: MadeLog) -> None:
    mine = {"id": PERSON, "data": {"fields": ["allergies"]}}
    placed = await append(made, planted(), planted(subjects=[OTHER, mine]), planted())
    damage(made, placed[2])
    await made.log.wait("witnessed", 3)
    found = await make(made, evidence=True)
    assert found.evidence is not None
    report = EvidenceVerifier(made.log.policy).verify(found.evidence)
    assert [entry.index for entry in report.entries] == [0, 1]
    first, second = (entry.values for entry in report.entries)
    assert not [name for name in first if name.startswith(("subjects", "targets", "details", "authorization"))]
    assert second["subjects[1]"] == mine
    assert {"actor.type", "actor.role"} <= second.keys()
    assert not {"actor.id", "actor.name", "actor.ip", "id", "seq"} & second.keys()


@on_postgres_too
async def test_nobody_has_no_evidence_and_makes_no_key(made: MadeLog) -> None:
    found = await make(made, evidence=True, subject="p-nobody")
    assert (found.export.entries, found.evidence) == ([], None)
    assert made.parts.keyring.find_person("subject", "p-nobody") is None


@pytest.mark.parametrize("name", ["P-4711", "for p-4711"])
def test_who_authorised_it_must_not_name_the_person(name: str) -> None:
    with pytest.raises(BadRequest, match="authorised_by") as refused:
        request(authorised_by=name).check()
    assert "4711" not in str(refused.value)
    request(authorised_by="Dana Officer").check()
    assert "p-4711" not in repr(request())
