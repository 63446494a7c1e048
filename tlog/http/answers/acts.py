"""What acts answer, and the erasures among them."""

from __future__ import annotations

from typing import Any, Literal

from tlog.http.answers.answer import Answer, Size, Time


class ActProgress(Answer, frozen=True, kw_only=True):
    """How far an act under way is."""

    phase: str
    done: Size
    total: Size


class ActAnswer(Answer, frozen=True, kw_only=True):
    """An act: `index` is that of its own entry, `progress` null unless it is under way now.

    `said` is what an act says that is not in the log yet, for who may decide on it: who asked (`by`), on whose
    authority, why, of a lift which `hold`, of an expiry which `cohort`, and of a grant what is granted to whom. Never
    whom it is about. Null once its own entry says it.

    While an act waits, `said.entries` is how many entries it would reach: of an erasure, as it was when it was asked
    for; of a lift how many its hold covers now, with `entries_or_more` where there may be others; of an expiry how many
    would go now, while `held` stay. These two are counted where one act is asked for.

    `declined`: somebody said no; `overtaken`: the automatic run did first what waited for a second person; `refused`:
    it was begun, and nothing was destroyed.
    """

    act: str
    kind: Literal["erasure", "expiry", "hold", "lift", "resume-expiry", "grant"]
    state: Literal["pending", "begun", "applied", "done", "declined", "overtaken", "refused"]
    requested_at: Time
    applied_at: Time | None
    entries: Size | None
    parts: Size | None
    index: Size | None
    progress: ActProgress | None
    said: dict[str, Any] | None = None


class ActPage(Answer, frozen=True, kw_only=True):
    """Acts of every kind, newest first; `next` is the `before` of the next page, null at the end."""

    acts: list[ActAnswer]
    next: int | None


class ErasureAnswer(Answer, frozen=True, kw_only=True):
    """What an erasure did or would do. `index` is that of its own entry.

    `parts` counts erased parts, `other_subjects_affected` those among them that other subjects share; `held` are
    numbers of holds. After nothing-to-erase, nothing was done.
    """

    status: Literal["nothing-to-erase", "dry-run", "pending", "running", "done", "declined", "refused"]
    act: str | None
    index: Size | None
    entries: Size
    parts: Size
    other_subjects_affected: Size
    held: list[int]
    first_received_at: Time | None
    last_received_at: Time | None


class ErasurePage(Answer, frozen=True, kw_only=True):
    """Erasures, newest first; `next` is the `before` of the next page, null at the end."""

    erasures: list[ActAnswer]
    next: int | None
