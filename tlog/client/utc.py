"""Times for people."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(seconds: int) -> str:
    """Return POSIX seconds as RFC 3339 in UTC; times that no calendar here reaches, as the number they are."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"
