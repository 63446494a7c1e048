"""What a refusal answers."""

from __future__ import annotations

from msgspec import field

from tlog.http.answers.answer import Answer


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
    errors: list[FaultAnswer] = field(default_factory=list)
    request_id: str | None = None
