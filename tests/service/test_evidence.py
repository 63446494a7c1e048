"""Evidence of a real log before real witnesses: verified with a policy alone, and refused wherever it was changed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import on_postgres_too
from tests.service.test_erasure import ANNA, about, append, asked, dpo, erasures
from tests.service.test_publisher import town
from tests.support import MadeLog, running_log
from tlog.audit.erased_part import ErasedPart
from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.wish import Wish
from tlog.client.evidence_verifier import EvidenceReport, EvidenceVerifier
from tlog.client.verifier import OfflineVerifier, Report
from tlog.errors import (
    BracketInvalid,
    ConsistencyInvalid,
    InclusionInvalid,
    LeafMismatch,
    Malformed,
    MalformedEvidence,
    NotFound,
    OriginUnknown,
    QuorumNotMet,
    VerificationFailed,
)
from tlog.formats.encoding import b64decode, b64encode
from tlog.http.entry_answer import entry_answers
from tlog.service.evidence import EvidenceMaker, Provable, nothing
from tlog.service.log_parts import now_us

HOUR = 3_600_000_000


@asynccontextmanager
async def witnessed(folder: Path, **options: Any) -> AsyncIterator[MadeLog]:
    async with (
        town(folder, urls=options.get("urls")) as place,
        running_log(place.folder, **place.options(**options)) as made,
    ):
        yield made


async def grow(made: MadeLog, *documents: dict[str, Any]) -> list[int]:
    """Append and wait until a checkpoint of exactly this size is witnessed."""
    indices = await append(made, *documents)
    await made.log.wait("witnessed", indices[-1] + 1)
    return indices


def evidence_of(made: MadeLog, indices: Sequence[int], hidden: Callable[[str], bool] = nothing) -> Evidence:
    rows = [made.log.entries.stored(index) for index in indices]
    opened = [(row, made.log.entries.opened(row)) for row in rows]
    erased = [
        [ErasedPart(part.part, part.act, part.at, part.index) for part in answer.erasures]
        for answer in entry_answers(made.log, opened)
    ]
    provable = [Provable(*pair, erasures) for pair, erasures in zip(opened, erased, strict=True)]
    return EvidenceMaker(made.log.store, made.log.proofs, made.log.policy, now_us).make(provable, hidden)


def verify(made: MadeLog, evidence: Evidence) -> EvidenceReport:
    """Verify what was written to a file and read back."""
    return EvidenceVerifier(made.log.policy).verify(parse_evidence(evidence.encode()))


@on_postgres_too
async def test_one_entry_is_proved_between_two_checkpoints(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    async with witnessed(tmp_path, urls=urls) as made:
        await grow(made, about("p-1"), about("p-2"))
        [index] = await grow(made, about(ANNA.id))
        await grow(made, about("p-3"))
        evidence = evidence_of(made, [index])
        assert [(entry.index, entry.after, entry.size) for entry in evidence.entries] == [(2, 2, 3)]
        report = verify(made, evidence)
        [entry] = report.entries
        assert entry.values["subjects[0]"]["id"] == ANNA.id
        assert entry.after is not None
        assert entry.before is not None
        assert 0 <= entry.before - entry.after <= 60


async def test_the_bracket_is_right_though_the_logs_clock_is_an_hour_wrong(tmp_path: Path) -> None:
    for number, wrong in enumerate((-HOUR, HOUR)):
        began = now_us() // 1_000_000
        async with witnessed(tmp_path / str(number), now=lambda wrong=wrong: now_us() + wrong) as made:
            await grow(made, about("p-1"))
            [index] = await grow(made, about("p-2"))
            [entry] = verify(made, evidence_of(made, [index])).entries
            assert entry.after is not None
            assert entry.before is not None
            assert began <= entry.after <= entry.before <= now_us() // 1_000_000
            assert abs(made.log.entries.stored(index).columns["received_at"] - now_us()) > HOUR // 2


async def test_a_bracket_that_ends_before_it_begins_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Honest witnesses can't make one: somebody's clock or somebody's word is false."""
    async with witnessed(tmp_path) as made:
        await grow(made, about("p-1"))
        [index] = await grow(made, about("p-2"))
        evidence = evidence_of(made, [index])
        inner = OfflineVerifier.verify_checkpoint

        def later(self: OfflineVerifier, data: bytes) -> Report:
            report = inner(self, data)
            return dataclasses.replace(report, unseen_until=(report.unseen_until or 0) + 60)

        monkeypatch.setattr(OfflineVerifier, "verify_checkpoint", later)
        with pytest.raises(BracketInvalid, match="before the time after which"):
            verify(made, evidence)


async def test_the_first_entry_has_no_checkpoint_before_it_but_that_of_size_0(tmp_path: Path) -> None:
    async with witnessed(tmp_path) as made:
        [index] = await grow(made, about("p-1"))
        evidence = evidence_of(made, [index])
        assert evidence.entries[0].after in (None, 0)
        assert verify(made, evidence).entries[0].before is not None


@on_postgres_too
async def test_a_case_shares_its_checkpoints(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    async with witnessed(tmp_path, urls=urls) as made:
        several = await grow(made, about("p-1"), about("p-2"), about("p-3"))
        last = await grow(made, about("p-4"))
        evidence = evidence_of(made, [*several, *last])
        report = verify(made, evidence)
        assert [entry.index for entry in report.entries] == [0, 1, 2, 3]
        assert len(evidence.checkpoints) <= 3
        assert {check.name for check in report.checks} == {
            *("origin", "log signature", "witness quorum", "consistency", "time bracket", "inclusion", "disclosures")
        }


async def test_what_is_redacted_cannot_be_read_and_the_rest_verifies(tmp_path: Path) -> None:
    async with witnessed(tmp_path) as made:
        [index] = await grow(made, about(ANNA.id, "bert-8"))
        whole = evidence_of(made, [index])
        less = whole.redacted(Wish(["all"], ["actor", "subjects[0]", "details", "purpose"]).hides)
        assert ANNA.id.encode() in b"".join(map(decoded, whole.entries[0].disclosures.values()))
        assert ANNA.id.encode() not in less.encode() + b"".join(map(decoded, less.entries[0].disclosures.values()))
        [entry] = verify(made, less).entries
        assert sorted(whole.entries[0].disclosures.keys() - entry.values.keys()) == [
            *("actor.id", "actor.name", "actor.type", "details", "purpose", "subjects[0]")
        ]
        assert entry.values["subjects[1]"]["id"] == "bert-8"
        assert entry.hidden == 6
        assert less.redacted(nothing) == less


def decoded(text: str) -> bytes:
    return b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), Malformed, "a disclosure")


@on_postgres_too
async def test_what_was_erased_is_named_and_the_rest_verifies(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    async with witnessed(tmp_path, urls=urls) as made:
        [index] = await grow(made, about(ANNA.id))
        done = await erasures(made).request(asked(), dpo(made))
        [entry] = verify(made, evidence_of(made, [index])).entries
        assert {(part.part, part.index) for part in entry.erasures} == {
            ("subjects[0]", done.index),
            ("shared", done.index),
        }
        assert "actor.id" in entry.values


async def test_an_entry_that_no_witness_saw_has_no_evidence_yet(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        [index] = await append(made, about("p-1"))
        row = made.log.entries.stored(index)
        provable = Provable(row, made.log.entries.opened(row))
        maker = EvidenceMaker(made.log.store, made.log.proofs, made.log.policy, now_us)
        made.log.store.checkpoints = lambda **_: []  # type: ignore[method-assign]
        with pytest.raises(NotFound, match="ask again"):
            maker.make([provable])


def with_entry(evidence: Evidence, **changed: Any) -> Evidence:
    return msgspec.structs.replace(evidence, entries=[msgspec.structs.replace(evidence.entries[0], **changed)])


def other(text: str) -> str:
    data = b64decode(text, Malformed, "a hash")
    return b64encode(bytes([data[0] ^ 1]) + data[1:])


async def test_whatever_is_changed_is_refused_and_the_failed_check_is_named(tmp_path: Path) -> None:
    async with witnessed(tmp_path) as made:
        await grow(made, about("p-1"), about("p-2"), about("p-3"))
        [index] = await grow(made, about(ANNA.id))
        good = evidence_of(made, [index])
        entry, name = good.entries[0], "actor.id"
        shown, newest = entry.disclosures, good.checkpoints[-1]
        replace = msgspec.structs.replace
        cases: list[tuple[Evidence, type[Exception]]] = [
            (replace(good, origin="example.com/other"), OriginUnknown),
            (replace(good, consistency=[]), ConsistencyInvalid),
            (replace(good, consistency=[[other(one) for one in good.consistency[0]]]), ConsistencyInvalid),
            (replace(good, checkpoints=good.checkpoints[::-1]), MalformedEvidence),
            (replace(good, checkpoints=[*good.checkpoints[:-1], _without_witnesses(newest)]), QuorumNotMet),
            (replace(good, checkpoints=[*good.checkpoints, good.checkpoints[-1]]), MalformedEvidence),
            (replace(good, entries=[entry, entry]), MalformedEvidence),
            (with_entry(good, index=entry.index - 1), BracketInvalid),
            (with_entry(good, index=entry.index + 1), InclusionInvalid),
            (with_entry(good, after=entry.size), BracketInvalid),
            (with_entry(good, after=1), BracketInvalid),
            (with_entry(good, size=99), BracketInvalid),
            (with_entry(good, leaf=other(entry.leaf)), InclusionInvalid),
            (with_entry(good, inclusion=[other(entry.inclusion[0]), *entry.inclusion[1:]]), InclusionInvalid),
            (with_entry(good, digests=[other(entry.leaf)]), LeafMismatch),
            (with_entry(good, disclosures={k: v for k, v in shown.items() if k != name}), LeafMismatch),
            (with_entry(good, disclosures=shown | {name: shown["action"], "action": shown[name]}), LeafMismatch),
            (with_entry(good, erasures=[ErasedPart("actor", "01a20642-cbbc-728e-bf2b-3ea96f9ffe23")]), LeafMismatch),
        ]
        verify(made, good)
        for changed, error in cases:
            with pytest.raises(error):
                verify(made, changed)


async def test_checkpoints_that_todays_policy_does_not_accept_are_not_used(tmp_path: Path) -> None:
    """As after a change of keys or witnesses: the newest takes their place, and says less about when."""
    async with witnessed(tmp_path) as made:
        await grow(made, about("p-1"))
        [index] = await grow(made, about("p-2"))
        await grow(made, about("p-3"))
        old = [c.note for c in made.log.store.checkpoints() if c.size < 3]
        inner = type(made.log.policy).verify_checkpoint

        class Newer(type(made.log.policy)):  # type: ignore[misc]
            def verify_checkpoint(self, data: bytes) -> Any:
                if data in old:
                    raise QuorumNotMet("those witnesses are gone")
                return inner(self, data)

        row = made.log.entries.stored(index)
        policy = made.log.policy
        newer = Newer(policy.logs, policy.witnesses, policy.groups, policy.quorum)
        maker = EvidenceMaker(made.log.store, made.log.proofs, newer, now_us)
        evidence = maker.make([Provable(row, made.log.entries.opened(row))])
        assert [(e.after, e.size) for e in evidence.entries] == [(None, 3)]
        assert verify(made, evidence).entries[0].after is None


def _without_witnesses(note: str) -> str:
    text, lines = note.split("\n\n")
    return text + "\n\n" + "".join(f"{line}\n" for line in lines.split("\n") if " example.com/log " in line)


async def test_every_changed_byte_is_refused_or_says_the_same(tmp_path: Path) -> None:
    """What may change: the log's word (when it was made, its own policy), white space, and a signature by nobody."""
    async with witnessed(tmp_path) as made:
        await grow(made, about("p-1"))
        [index] = await grow(made, about(ANNA.id))
        good = evidence_of(made, [index])
        data, proved = good.encode(), verify(made, good).entries
        verifier = EvidenceVerifier(made.log.policy)
        refused = 0
        for place in range(0, len(data), 7):
            broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            try:
                found = verifier.verify(parse_evidence(broken)).entries
            except (Malformed, VerificationFailed):
                refused += 1
            else:
                assert [(e.index, e.leaf, e.values) for e in found] == [(e.index, e.leaf, e.values) for e in proved]
        assert refused > len(data) // 7 // 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"format": "tlog-evidence/v2"}',
        b'{"format": "tlog-evidence/v1", "format": "tlog-evidence/v1"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_evidence_is_refused_without_quoting_it(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        parse_evidence(data)


async def test_unknown_members_are_refused(tmp_path: Path) -> None:
    async with witnessed(tmp_path) as made:
        [index] = await grow(made, about("p-1"))
        document = json.loads(evidence_of(made, [index]).encode())
        parse_evidence(json.dumps(document).encode())
        for changed in (document | {"more": 1}, document | {"entries": [document["entries"][0] | {"more": 1}]}):
            with pytest.raises(MalformedEvidence, match="more"):
                parse_evidence(json.dumps(changed).encode())
