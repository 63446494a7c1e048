"""`/ui/drills`: past drills, in which entries chosen at random were read, proved and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from web.frame import Frame
from web.interface import Interface


@dataclass(frozen=True, slots=True)
class DrillRow:
    """A past drill: which days it picked from, how many entries it played, what it missed, and the slowest (ms)."""

    index: int
    logged_at: str
    by: str
    passed: bool
    days: str
    played: int
    missed: int
    rows_missing: int
    slowest: float | None


def drill_row(drill: Mapping[str, Any]) -> DrillRow:
    """Return the row of a drill as `GET /v1/drills` tells it."""
    result = drill["result"]
    records = result.get("records", ())
    took = [sum(record.get(name) or 0 for name in ("find_ms", "evidence_ms", "verify_ms")) for record in records]
    return DrillRow(
        drill["index"],
        drill["logged_at"],
        drill["by"],
        drill["passed"],
        f"{result.get('from_day', '?')} to {_until(result.get('to_day', '?'), drill['logged_at'])}",
        len(records),
        sum(record.get("missed") is not None for record in records),
        result.get("missing", 0),
        max(took, default=None),
    )


def _until(day: str, logged_at: str) -> str:
    """Return the end of a drill's window, never after the day of the drill: nothing was there to pick from."""
    return min(day, logged_at[:10])


class DrillsPage:
    """The handler."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/drills`; ?cursor= as GET /v1/drills."""
        page = await self._interface.ask(request, "drills", dict[str, Any])
        rows = [drill_row(drill) for drill in page["drills"]]
        return self._frame.page(request, "drills.html", rows=rows, next=page["next"])
