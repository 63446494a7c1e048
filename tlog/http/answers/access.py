"""What `/v1/access` answers."""

from __future__ import annotations

from typing import Literal

from tlog.http.answers.answer import Answer, Size, Time


class AccessActor(Answer, frozen=True, kw_only=True):
    """Who looked; empty where that was erased."""

    type: str
    id: str
    name: str | None


class AccessAnswer(Answer, frozen=True, kw_only=True):
    """Somebody looked: `shown` are the entries among those asked about that the answer showed them; or, where the
    outcome is denied, that they were refused.

    `at` is when they looked, also where the log was stopped and could log it only later. `by_name`: they looked the
    person up by name. `index` is that of the log's own entry that says so.
    """

    index: Size
    at: Time
    actor: AccessActor
    action: str
    outcome: Literal["allowed", "denied", "failed"]
    operation: str | None
    shown: list[Size]
    by_name: bool


class AccessPage(Answer, frozen=True, kw_only=True):
    """Who looked, newest first; `next` is the `before` of the next page, null at the end.

    `entries` is how many entries were asked about; with `entries_or_more` the person has others that were not.
    """

    accesses: list[AccessAnswer]
    next: Size | None
    entries: Size
    entries_or_more: bool
