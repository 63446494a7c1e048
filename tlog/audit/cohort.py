"""Cohorts: what expires together, because it is sealed under one key."""

from __future__ import annotations

from datetime import UTC, datetime


def cohort_of(retention: str, received_at: int) -> str:
    """Name the cohort of an entry: its retention class and the UTC month of `received_at` (microseconds)."""
    moment = datetime.fromtimestamp(received_at // 1_000_000, UTC)  # exact: a float rounds into the next month
    return f"{retention}/{moment:%Y-%m}"
