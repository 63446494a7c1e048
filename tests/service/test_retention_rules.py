"""When cohorts expire: arithmetic of UTC months."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.audit.cohort import cohort_of
from tlog.service.retention_rules import MAX_MONTHS, Cohort, RetentionClass, due, own_class, parse_cohort

LAST = int(datetime(9998, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000
moments = st.integers(0, LAST)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,63}", fullmatch=True)
months = st.integers(1, MAX_MONTHS)


def us(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def classes(**kept: int) -> dict[str, RetentionClass]:
    return {name: RetentionClass(name, count, "a test") for name, count in kept.items()}


@pytest.mark.parametrize(
    ("cohort", "kept", "expires"),
    [
        ("standard/2025-03", 12, us(2026, 4)),
        ("standard/2025-12", 1, us(2026, 2)),
        ("standard/2025-11", 1, us(2026, 1)),
        ("standard/2024-01", 1, us(2024, 3)),  # a leap year
        ("standard/2025-12", 12, us(2027, 1)),
        ("standard/2025-03+2", 12, us(2026, 4)),
    ],
)
def test_the_period_begins_with_the_end_of_the_month(cohort: str, kept: int, expires: int) -> None:
    assert parse_cohort(cohort).expires_at(classes(standard=kept)) == expires


@given(names, moments, months)
def test_every_entry_is_kept_for_the_period_and_at_most_a_month_more(name: str, received: int, kept: int) -> None:
    cohort = parse_cohort(cohort_of(name, received))
    assert cohort.start <= received < cohort.end
    assert cohort.name == cohort_of(name, received)
    end = cohort.expires_at({name: RetentionClass(name, kept, "a test")})
    assert end is not None
    if end < us(9999, 12):
        month = parse_cohort(cohort_of(name, end - 1))
        assert (month.year * 12 + month.month) - (cohort.year * 12 + cohort.month) == kept
        assert month.end == end


@given(names, st.integers(1, 9999), st.integers(1, 12), st.integers(0, 50))
def test_a_name_parses_to_what_it_names(name: str, year: int, month: int, moved: int) -> None:
    cohort = Cohort(name, year, month, moved)
    assert parse_cohort(cohort.name) == cohort
    assert parse_cohort(cohort.next().name) == Cohort(name, year, month, moved + 1)
    assert cohort.start < cohort.end


@pytest.mark.parametrize(
    "name",
    [
        "",
        "standard",
        "standard/2025-13",
        "standard/2025-00",
        "standard/0000-01",
        "standard/2025-3",
        "Standard/2025-03",
        "standard/2025-03+",
        "standard/2025-03+0",
        "standard/2025-03+01",
        "standard/2025-03\n",
        "standard/٢٠٢٥-03",
    ],
)
def test_what_is_no_cohort_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a cohort"):
        parse_cohort(name)


def test_what_is_due_comes_the_longest_overdue_first_and_not_a_microsecond_early() -> None:
    kept = classes(short=1, standard=12)
    cohorts = [parse_cohort(name) for name in ("standard/2025-01", "short/2025-12", "short/2025-11", "other/2001-01")]
    now = us(2026, 2)
    assert [cohort.name for cohort in due(cohorts, kept, now)] == ["short/2025-11", "short/2025-12", "standard/2025-01"]
    assert [cohort.name for cohort in due(cohorts, kept, now - 1)] == ["short/2025-11"]
    assert due(cohorts, {}, LAST) == []


@given(st.integers(9000, 9999), st.integers(1, 12), months)
def test_the_end_of_the_calendar_is_no_error(year: int, month: int, kept: int) -> None:
    cohort = Cohort("standard", year, month)
    end = cohort.expires_at(classes(standard=kept))
    assert end is not None
    assert end >= cohort.start


def test_the_logs_own_entries_have_a_class_that_is_kept() -> None:
    assert own_class({}) == "standard"
    assert own_class(classes(standard=1, clinical=120)) == "clinical"
    assert own_class(classes(short=1, clinical=120)) == "clinical"
    assert own_class(classes(standard=120, zeta=120, clinical=12)) == "standard"
    assert own_class(classes(alpha=5, beta=5)) == own_class(classes(beta=5, alpha=5))
