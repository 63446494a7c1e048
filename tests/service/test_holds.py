"""Holds: what they cover agrees with a naive evaluation; placing and lifting are acts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conftest import NewUrl
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.entry import NDJSON
from tlog.audit.fields import microseconds
from tlog.errors import BadRequest, Conflict, Forbidden, Held, NotFound
from tlog.service.entries import stored_cohort
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.held_counts import HeldCounts
from tlog.service.hold_acts import HoldActs, HoldRequest
from tlog.service.intake import AppendRequest
from tlog.service.principal import Principal, of_token
from tlog.service.retention_rules import parse_cohort
from tlog.service.settings import LogSettings
from tlog.storage.act_store import ActState
from tlog.storage.held_rows import HeldRows
from tlog.storage.hold_store import HoldKind
from tlog.storage.roles import Role

ENTRIES = 60
DAYS = [f"2026-03-{day:02}T09:30:00.000000Z" for day in range(1, 11)]


def documents(rng: Random) -> list[dict[str, Any]]:
    return [
        entry_document(
            occurred_at=rng.choice(DAYS),
            subjects=[{"id": f"p-{n}"} for n in rng.sample(range(4), rng.randint(0, 2))],
            retention=rng.choice(["standard", "short"]),
            targets=[{"type": "case", "id": f"C-{rng.randint(1, 3)}"}] if rng.random() < 0.4 else [],
            correlation={"trace_id": f"C-{rng.randint(1, 3)}"} if rng.random() < 0.3 else None,
        )
        for _ in range(ENTRIES)
    ]


async def append(made: MadeLog, entries: list[dict[str, Any]]) -> list[int]:
    body = "\n".join(map(json.dumps, entries)).encode()
    return [
        placed.index for placed in await made.log.appender.append(AppendRequest(body, NDJSON, frozenset({"clinic"})))
    ]


def dpo(made: MadeLog, name: str = "dana") -> Principal:
    return of_token(made.log.tokens.find(made.token(name, Role.DPO)))


def acts_of(made: MadeLog) -> HoldActs:
    assert made.log.holds is not None
    return made.log.holds


def request(**changed: Any) -> HoldRequest:
    values: dict[str, Any] = {"kind": HoldKind.LEGAL, "case": "C-1", "reason": "claim", "authorised_by": "Dana"}
    return HoldRequest(**values | changed)


def naive(asked: HoldRequest, entry: dict[str, Any]) -> bool:
    occurred = microseconds(entry["occurred_at"])
    named = [target["id"] for target in entry["targets"] if target["type"] == "case"]
    named += [(entry["correlation"] or {}).get("trace_id")]
    return (
        (asked.subject is None or asked.subject in [subject["id"] for subject in entry["subjects"]])
        and (asked.source is None or asked.source == entry["source"])
        and (asked.occurred_from is None or asked.occurred_from <= occurred)
        and (asked.occurred_to is None or occurred < asked.occurred_to)
        and (not asked.by_case or asked.case in named)
    )


def some_hold(rng: Random) -> HoldRequest:
    window = sorted(microseconds(day) for day in rng.sample(DAYS, 2))
    kind = rng.choice(list(HoldKind))
    return request(
        kind=kind,
        ground="e" if kind is HoldKind.ART_17_3 else None,
        case=f"C-{rng.randint(1, 3)}",
        subject=rng.choice([None, "p-0", "p-1", "p-9"]),
        source=rng.choice([None, "clinic", "shop"]),
        occurred_from=window[0] if rng.random() < 0.5 else None,
        occurred_to=window[1],
        by_case=rng.random() < 0.4,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_holds_cover_what_a_naive_reading_says(seed: int, new_url: NewUrl, tmp_path: Path) -> None:
    rng = Random(seed)
    urls = (new_url(), new_url()) if "postgres" in new_url() else None
    async with running_log(tmp_path / "log", urls=urls) as made:
        sent = documents(rng)
        indices = await append(made, sent)
        asked = [some_hold(rng) for _ in range(8)]
        placed = [await acts_of(made).place(one, dpo(made)) for one in asked]
        await acts_of(made).lift([placed[3].hold], dpo(made), "over", "Dana")
        held = acts_of(made).holds.held(indices)
        legal = acts_of(made).holds.blocking_expiry(indices)
        cohorts = [stored_cohort(row) for row in made.log.store.entries_at(sorted(legal)).values()]
        assert HeldCounts(acts_of(made).holds, HeldRows(made.parts.database)).of(
            {parse_cohort(name) for name in cohorts}
        ) == Counter(cohorts)
        for index, entry in zip(indices, sent, strict=True):
            pairs = [(hold, one) for n, (hold, one) in enumerate(zip(placed, asked, strict=True)) if n != 3]
            wanted = [(hold.hold, one.kind) for hold, one in pairs if naive(one, entry)]
            assert held.get(index, []) == [number for number, _ in wanted]
            assert (index in legal) == any(kind is HoldKind.LEGAL for _, kind in wanted)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path / "log") as made:
        yield made


def erasure(identity: str) -> ErasureRequest:
    return ErasureRequest(Person("subject", identity), "GDPR Art. 17(1)(b)", "Dana Officer")


@pytest.mark.parametrize(("kind", "ground"), [(HoldKind.LEGAL, None), (HoldKind.ART_17_3, "b")])
async def test_neither_kind_lets_anybody_be_erased(made: MadeLog, kind: HoldKind, ground: str | None) -> None:
    await append(made, [entry_document(subjects=[{"id": "anna-4711"}])])
    hold = await acts_of(made).place(request(kind=kind, ground=ground, subject="anna-4711"), dpo(made))
    assert made.log.erasures is not None
    with pytest.raises(Held, match=f"hold {hold.hold}"):
        await made.log.erasures.request(erasure("anna-4711"), dpo(made))
    [act] = await acts_of(made).lift([hold.hold], dpo(made), "settled", "Dana")
    assert act.state is ActState.DONE
    assert (await made.log.erasures.request(erasure("anna-4711"), dpo(made))).status == "done"
    said = [made.log.entries.opened(made.log.entries.stored(index)).entry for index in range(1, 5)]
    assert [entry["action"] for entry in said] == ["tlog.hold.place", "tlog.erasure", "tlog.hold.lift", "tlog.erasure"]
    assert [entry["outcome"] for entry in said] == ["allowed", "denied", "allowed", "allowed"]
    assert "anna-4711" not in json.dumps(said)
    assert "C-1" not in json.dumps(said)


async def test_a_hold_on_somebody_unknown_protects_what_comes_later(made: MadeLog) -> None:
    hold = await acts_of(made).place(request(subject="anna-4711"), dpo(made))
    assert hold.key_id is not None
    assert acts_of(made).holds.on_subject(hold.key_id) == [hold.hold]
    [index] = await append(made, [entry_document(subjects=[{"id": "anna-4711"}])])
    assert acts_of(made).holds.held([index]) == {index: [hold.hold]}


async def test_a_case_is_lifted_as_a_whole_and_once(made: MadeLog) -> None:
    first = await acts_of(made).place(request(source="clinic"), dpo(made))
    second = await acts_of(made).place(request(source="shop"), dpo(made))
    other = await acts_of(made).place(request(case="C-2", source="shop"), dpo(made))
    assert acts_of(made).of_case("C-1") == [first.hold, second.hold]
    await acts_of(made).lift(acts_of(made).of_case("C-1"), dpo(made), "over", "Dana")
    assert [hold.hold for hold in acts_of(made).holds.store.active()] == [other.hold]
    with pytest.raises(NotFound):
        acts_of(made).of_case("C-1")
    with pytest.raises(Conflict, match="already"):
        await acts_of(made).lift([first.hold], dpo(made), "over", "Dana")
    with pytest.raises(NotFound):
        await acts_of(made).lift([99], dpo(made), "over", "Dana")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "scope"),
        ({"source": "x", "ground": "b"}, "ground"),
        ({"source": "x", "kind": HoldKind.ART_17_3}, "ground"),
        ({"occurred_from": 2, "occurred_to": 2}, "occurred_to"),
        ({"subject": "anna-4711", "reason": "Claim of ANNA-4711"}, "reason"),
        ({"subject": "anna-4711", "case": "anna-4711/26"}, "case"),
    ],
)
async def test_what_is_no_hold_is_refused_and_quotes_nothing(made: MadeLog, changed: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=f"^{said}|{said}") as refused:
        await acts_of(made).place(request(**changed), dpo(made))
    assert "anna" not in str(refused.value).casefold()
    assert acts_of(made).holds.store.all() == []


async def test_lifting_may_need_a_second_person(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made:
        dana, omar = dpo(made), dpo(made, "omar")
        hold = await acts_of(made).place(request(source="clinic"), dana)
        [act] = await acts_of(made).lift([hold.hold], dana, "over", "Dana")
        assert act.state is ActState.PENDING
        [same] = await acts_of(made).lift([hold.hold], dana, "over", "Dana")
        assert same.act_id == act.act_id
        with pytest.raises(Forbidden):
            await made.log.acts.approve(act.act_id, dana)
        assert len(acts_of(made).holds.store.active()) == 1
        assert (await made.log.acts.approve(act.act_id, omar)).state is ActState.DONE
        assert acts_of(made).holds.store.active() == []
