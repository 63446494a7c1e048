from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import on_postgres_too
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.entry import NDJSON
from tlog.service.completeness import GRACE_SECONDS, MAX_GAPS, Completeness, GapKind, SourceReport, without
from tlog.service.intake import AppendRequest
from tlog.service.log_parts import now_us
from tlog.storage.act_store import ActKind, ActState, ActStore
from tlog.storage.sequence_store import Gap, SequenceStore

LATER = (GRACE_SECONDS + 60) * 1_000_000


@pytest.fixture
async def made(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path / "log", urls=urls) as log:
        yield log


async def append(made: MadeLog, *seqs: int, source: str = "clinic") -> None:
    lines = "\n".join(json.dumps(entry_document(source=source, seq=seq)) for seq in seqs)
    await made.log.appender.append(AppendRequest(lines.encode(), NDJSON, frozenset({source})))


def completeness(made: MadeLog, later: int = LATER) -> Completeness:
    acts = ActStore(made.parts.database)
    return Completeness(SequenceStore(made.parts.database), acts, lambda: now_us() + later)


def gaps(report: SourceReport) -> list[tuple[int, int, GapKind]]:
    return [(gap.first, gap.last, gap.kind) for gap in report.gaps]


async def test_a_source_without_gaps(made: MadeLog) -> None:
    await append(made, 3, 1, 2)
    [report] = completeness(made).look()
    assert (report.source, report.first_seq, report.last_seq, report.gaps) == ("clinic", 1, 3, ())
    assert report.whole
    assert abs(report.last_received_at - now_us()) < 60_000_000


@on_postgres_too
async def test_missing_numbers_are_named_by_source(made: MadeLog) -> None:
    await append(made, 1, 2, 5, 9)
    await append(made, 7, 9, source="shop")
    clinic, shop = completeness(made).look()
    assert gaps(clinic) == [(3, 4, GapKind.MISSING), (6, 8, GapKind.MISSING)]
    assert clinic.missing() == 5
    assert gaps(shop) == [(8, 8, GapKind.MISSING)]


async def test_a_number_may_come_late(made: MadeLog) -> None:
    await append(made, 1, 3)
    looked = completeness(made, 0)
    assert gaps(looked.look()[0]) == [(2, 2, GapKind.LATE)]
    await append(made, 2)
    assert gaps(looked.look()[0]) == []


@on_postgres_too
async def test_a_gap_that_is_half_filled_is_two(made: MadeLog) -> None:
    await append(made, 1, 9)
    looked = completeness(made)
    assert gaps(looked.look()[0]) == [(2, 8, GapKind.MISSING)]
    await append(made, 5, 12)
    assert [gap[:2] for gap in gaps(looked.look()[0])] == [(2, 4), (6, 8), (10, 11)]


@on_postgres_too
async def test_smaller_numbers_may_come_afterwards(made: MadeLog) -> None:
    await append(made, 10)
    looked = completeness(made)
    assert gaps(looked.look()[0]) == []
    await append(made, 5, 6)
    report = looked.look()[0]
    assert (report.first_seq, gaps(report)) == (5, [(7, 9, GapKind.MISSING)])


@on_postgres_too
async def test_what_stands_beside_an_expired_month_may_have_expired(made: MadeLog) -> None:
    await append(made, 1, 3)
    ActStore(made.parts.database).add(b"a" * 16, ActKind.EXPIRY, ActState.DONE, 0, cohort="short/9999-01")
    assert gaps(completeness(made).look()[0]) == [(2, 2, GapKind.EXPIRED)]


@on_postgres_too
async def test_more_gaps_than_are_remembered_are_said(made: MadeLog) -> None:
    await append(made, *range(0, 2 * MAX_GAPS + 20, 2))
    report = completeness(made).look()[0]
    assert len(report.gaps) == MAX_GAPS
    assert not report.whole


async def test_it_is_read_in_the_background(made: MadeLog) -> None:
    await append(made, 1, 3)
    reports = await made.log.completeness.reports(5)
    assert reports is not None
    assert [report.source for report in reports] == ["clinic"]


@pytest.mark.parametrize(
    ("arrived", "left"),
    [
        ([], [(5, 9)]),
        ([1, 5, 20], [(6, 9)]),
        ([9], [(5, 8)]),
        ([6, 7], [(5, 5), (8, 9)]),
        ([5, 6, 7, 8, 9], []),
    ],
)
def test_numbers_that_came_are_taken_out_of_a_gap(arrived: list[int], left: list[tuple[int, int]]) -> None:
    assert without(Gap(5, 9), arrived) == left
