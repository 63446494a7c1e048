"""The JSON bodies the log answers with: what is encoded, and what `/openapi.json` describes.

Binary values are standard base64 with padding, times RFC 3339 in UTC with six decimals, indices from 0.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

Base64 = Annotated[
    str, Meta(description="standard base64 with padding", extra_json_schema={"contentEncoding": "base64"})
]
Hashes = Annotated[list[Base64], Meta(max_length=64)]
Time = Annotated[str, Meta(description="RFC 3339 in UTC", extra_json_schema={"format": "date-time"})]
Size = Annotated[int, Meta(ge=0)]


class Answer(Struct, frozen=True, kw_only=True):
    """A JSON answer. Its text form names only the type: an entry's values are personal data."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class StoredEntryPlace(Answer, frozen=True, kw_only=True):
    """Where one entry of the request stands; `duplicate` if it was there already."""

    index: Size
    id: str
    duplicate: bool


class Appended(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Every entry of the request is durable; `status` is the stage all of them have reached."""

    status: Literal["durable", "integrated", "witnessed"]
    entries: list[StoredEntryPlace]
    note: str | None = None


class ErasedPartAnswer(Answer, frozen=True, kw_only=True):
    """A part that was erased: by which act, when it was gone, and the index of the act's own entry.

    Both are null while the act is under way."""

    part: str
    act: str
    at: Time | None
    index: Size | None


class EntryAnswer(Answer, frozen=True, kw_only=True):
    """What can still be read of an entry.

    `disclosures` holds the text of each readable field by name. `erased` names the parts that are gone,
    `erased_digests` are what stands in their place. The SHA-256 digests of all disclosures with the
    erased ones make up `leaf`. `erasures` says for each part that is gone which act erased it.
    """

    index: Size
    leaf: Base64
    received_at: Time
    entry: dict[str, Any]
    disclosures: dict[str, str]
    erased: list[str]
    erased_digests: list[Base64]
    erasures: list[ErasedPartAnswer] = []
    expires_at: Time | None = None
    on_hold: bool = False


class EntryProblem(Answer, frozen=True, kw_only=True):
    """An entry that was found and can't be shown: the end of a problem type, and what is wrong."""

    index: Size
    problem: str
    detail: str


_ITEMS = {"items": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("EntryAnswer", "EntryProblem")]}}


class EntryPage(Answer, frozen=True, kw_only=True):
    """Entries that were looked for, newest logged first; one that is damaged is an `EntryProblem`.

    `next` is the `cursor` of the following page, null at the end: a page may be short, or empty, before it.
    `scanned` is how many candidates were looked at; for who may not see all of them, how many are shown.
    """

    entries: Annotated[list[Any], Meta(extra_json_schema=_ITEMS)]
    next: str | None
    scanned: Size


class InclusionProof(Answer, frozen=True, kw_only=True):
    """RFC 6962 section 2.1.1: `hashes` lead from the leaf hash of `index` to `root`, the leaf's sibling first."""

    index: Size
    size: Size
    leaf_hash: Base64
    root: Base64
    hashes: Hashes


class ConsistencyProof(Answer, frozen=True, kw_only=True, rename={"old": "from", "new": "to"}):
    """RFC 6962 section 2.1.2: `hashes` show that the tree of size `to` extends the tree of size `from`."""

    old: Size
    new: Size
    from_root: Base64
    to_root: Base64
    hashes: Hashes


class CheckpointAnswer(Answer, frozen=True, kw_only=True):
    """A witnessed checkpoint; `note` is the signed note with every cosignature known."""

    size: Size
    root: Base64
    note: str
    signed_at: Time
    witnessed_at: Time


class CheckpointPage(Answer, frozen=True, kw_only=True):
    """Checkpoints by size; `next` is the `from` of the next page, null at the end."""

    checkpoints: list[CheckpointAnswer]
    next: int | None


class Ready(Answer, frozen=True, kw_only=True):
    """Whether the log appends and publishes now, and if not, why."""

    ready: bool
    reason: str | None


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


class CohortAnswer(Answer, frozen=True, kw_only=True):
    """A cohort: how many entries would go, how many a hold keeps, and when. Without a period `months`, `reason` and
    `expires_at` are null, and it is kept."""

    cohort: str
    retention: str
    months: int | None
    reason: str | None
    expires_at: Time | None
    entries: Size
    held: Size
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
    holds: list[HoldAnswer] = []


class ErasurePage(Answer, frozen=True, kw_only=True):
    """Erasures, newest first; `next` is the `before` of the next page, null at the end."""

    erasures: list[ActAnswer]
    next: int | None


class ActPage(Answer, frozen=True, kw_only=True):
    """Acts of every kind, newest first; `next` is the `before` of the next page, null at the end."""

    acts: list[ActAnswer]
    next: int | None


class AccessActor(Answer, frozen=True, kw_only=True):
    """Who looked; empty where that was erased."""

    type: str
    id: str
    name: str | None


class AccessAnswer(Answer, frozen=True, kw_only=True):
    """Somebody looked: `shown` are the entries among those asked about that the answer showed them; or, where the
    outcome is denied, that they were refused.

    `by_name`: they looked the person up by name. `index` is that of the log's own entry that says so.
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


class TokenAnswer(Answer, frozen=True, kw_only=True):
    """A credential without its secret; `sources` and `classes` null: of all.

    `used_at` is when a login link opened its one session, null before and for every other credential; from then on
    `expires_at` is when that session ends at the latest.
    """

    id: str
    name: str
    roles: list[str]
    sources: list[str] | None
    classes: list[str] | None
    credential: Literal["bearer", "certificate", "link"]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    used_at: Time | None


class TokenList(Answer, frozen=True, kw_only=True):
    """Every credential ever issued, oldest first."""

    tokens: list[TokenAnswer]


class IssuedAnswer(Answer, frozen=True, kw_only=True):
    """A credential that was issued, or that waits for a second admin: then its act is pending.

    `token` is its text, told this once; null for a certificate.
    """

    id: str
    token: str | None
    act: ActAnswer


class FaultAnswer(Answer, frozen=True, kw_only=True):
    """One fault of an entry, by its place in the request."""

    path: str
    detail: str


class Problem(Answer, frozen=True, kw_only=True):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultAnswer] = []
    request_id: str | None = None


_encode = msgspec.json.Encoder().encode


def json_answer(answer: Answer, *, status: int = 200, cache: str = "no-store") -> web.Response:
    """Return an answer as application/json with this Cache-Control."""
    headers = {"Cache-Control": cache}
    return web.Response(status=status, body=_encode(answer), content_type="application/json", headers=headers)
