"""What `/v1/holds` answers."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from tlog.http.answers.acts import ActAnswer
from tlog.http.answers.answer import Answer, Size, Time


class HoldAnswer(Answer, frozen=True, kw_only=True):
    """A hold. Its scope is everything given of `on_subject`, `source`, the window and `by_case`; whom it is on is not
    told, because nobody but the keyring's hash knows.

    When it is placed, `entries` counts what it covers now, up to 10,000; with `entries_or_more` there may be others.
    Else it is null.
    """

    hold: Size
    act: str
    kind: Literal["legal-hold", "art-17-3"]
    case: str
    reason: str
    ground: str | None
    authorised_by: str
    on_subject: bool
    source: str | None
    occurred_from: Time | None
    occurred_to: Time | None
    by_case: bool
    placed_at: Time
    lifted_at: Time | None
    lift_reason: str | None
    lift_authorised_by: str | None
    entries: Size | None = None
    entries_or_more: bool = False


class HoldList(Answer, frozen=True, kw_only=True):
    """Holds, oldest first."""

    holds: list[HoldAnswer]


class LiftAnswer(Answer, frozen=True, kw_only=True):
    """The acts that lift, one for each hold, and these holds in the same order as they are now."""

    acts: list[ActAnswer]
    holds: list[HoldAnswer] = field(default_factory=list)
