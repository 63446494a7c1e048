"""What `/v1/retention` answers."""

from __future__ import annotations

from tlog.http.answers.acts import ActAnswer
from tlog.http.answers.answer import Answer, Size, Time


class CohortAnswer(Answer, frozen=True, kw_only=True):
    """A cohort: how many entries would go, how many a hold keeps, and when. Without a period `months`, `reason` and
    `expires_at` are null, it is kept, and `held` is null: what holds keep from nothing is not counted."""

    cohort: str
    retention: str
    months: int | None
    reason: str | None
    expires_at: Time | None
    entries: Size
    held: Size | None
    due: bool


class PauseAnswer(Answer, frozen=True, kw_only=True):
    """Why nothing expires by itself; `since` is empty where the pause was made by hand."""

    since: str
    reason: str


class RetentionPlan(Answer, frozen=True, kw_only=True):
    """What expires up to `until`, soonest first. While `paused` is not null it does so on request only."""

    until: Time
    paused: PauseAnswer | None
    cohorts: list[CohortAnswer]


class RetentionRun(Answer, frozen=True, kw_only=True):
    """The acts of a run, one for each cohort that was due, those that wait for a second person already among them, and
    `resume-expiry` where expiry was paused.

    `entries` of one that waits is how many would expire now.
    """

    acts: list[ActAnswer]
