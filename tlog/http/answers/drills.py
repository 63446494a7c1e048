"""The JSON bodies that the routes of drills answer with."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from tlog.http.answers.answer import Answer, Size, Time

Day = Annotated[str, Meta(description="YYYY-MM-DD, in UTC", extra_json_schema={"format": "date"})]


class DrillWindowAnswer(Answer, frozen=True, kw_only=True):
    """The `entries` indices from `first` to `last`, received on the days from `from_day` to `to_day`, both included.

    `missing` of them have no row in the database; `first_missing` are the first of these. With `oldest`, the log has
    nothing of the days asked for, and these are its oldest.
    """

    from_day: Day
    to_day: Day
    first: Size
    last: Size
    entries: Size
    missing: Size
    first_missing: list[Size]
    oldest: bool


class DrillLogged(Answer, frozen=True, kw_only=True):
    """The index of the entry that says what a drill saw, and whether it missed nothing."""

    index: Size
    passed: bool


class DrillAnswer(Answer, frozen=True, kw_only=True):
    """A past drill: the index of its entry, when it was logged and under which name, and the result as it was sent."""

    index: Size
    logged_at: Time
    by: str
    passed: bool
    result: dict[str, Any]


class DrillPage(Answer, frozen=True, kw_only=True):
    """Past drills, newest first; `next` is the `cursor` of the next page, null at the end."""

    drills: list[DrillAnswer]
    next: str | None
