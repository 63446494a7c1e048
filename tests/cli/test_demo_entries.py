"""The demo's generator: whatever the seed, entries that a strict log takes, and a believable mix of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlog.audit.entry import Entry, parse_entries, parse_entry
from tlog.audit.fields import microseconds
from tlog.cli.demo.entries import EntryGenerator, to_json, working_hours
from tlog.cli.demo.people import CUSTOMERS, PATIENTS
from tlog.cli.demo.scenes import EPISODES, SOURCES

END = 1_770_000_000_000_000
MANY = 10_000


def generate(seed: int, count: int, end: int = END) -> list[Entry]:
    generator = EntryGenerator(seed)
    return [generator.next(at) for at in working_hours(Random(seed), end, count)]


@pytest.fixture(scope="module")
def many() -> list[Entry]:
    return generate(1, MANY)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**64), end=st.integers(10**15, 4 * 10**15))
def test_every_entry_is_accepted_as_it_is(seed: int, end: int) -> None:
    entries = generate(seed, 40, end)
    for entry in entries:
        parsed = parse_entry(to_json(entry), lambda: pytest.fail("an entry without an id"))
        assert to_json(parsed) == to_json(entry)
    assert len(parse_entries(b"\n".join(map(to_json, entries)), "application/x-ndjson")) == 40


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**64))
def test_a_seed_decides_everything(seed: int) -> None:
    once, again, other = (list(map(to_json, generate(s, 20))) for s in (seed, seed, seed + 1))
    assert once == again
    assert once != other


def test_every_kind_of_entry_occurs_and_is_accepted(many: list[Entry]) -> None:
    for entry in many:
        parse_entry(to_json(entry))
    assert {entry.action for entry in many} == {act.action for episode in EPISODES for act in episode.acts}


def test_each_source_counts_without_a_gap(many: list[Entry]) -> None:
    assert len(SOURCES) >= 2
    for source in SOURCES:
        numbers = [entry.seq for entry in many if entry.source == source]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > MANY // 4
    assert len({entry.id for entry in many}) == MANY


def test_times_grow_and_ids_carry_them(many: list[Entry]) -> None:
    times = [microseconds(entry.occurred_at) for entry in many]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[0] > END - 24 * 3600 * 1_000_000
    assert times[-1] < END
    assert [int(entry.id.replace("-", "")[:12], 16) for entry in many] == [time // 1000 for time in times]


def test_the_mix(many: list[Entry]) -> None:
    outcomes = Counter(entry.outcome for entry in many)
    assert outcomes["allowed"] > 0.85 * MANY
    assert min(outcomes["denied"], outcomes["failed"]) > 0.005 * MANY
    assert 24 <= len({entry.actor.id for entry in many}) <= 30
    assert len({entry.actor.role for entry in many}) > 10
    assert PATIENTS + CUSTOMERS == 2000
    assert len({subject.id for entry in many for subject in entry.subjects}) > 1500
    assert len({entry.retention for entry in many}) >= 4
    assert any(len(entry.subjects) > 3 for entry in many)
    assert any(not entry.subjects for entry in many)
    assert any(entry.authorization and entry.authorization.granted_by for entry in many)


def test_entries_are_of_the_size_that_benchmarks_assume(many: list[Entry]) -> None:
    assert 450 < sum(len(to_json(entry)) for entry in many) / MANY < 600
