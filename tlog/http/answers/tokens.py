"""What `/v1/tokens` answers."""

from __future__ import annotations

from typing import Literal

from tlog.http.answers.acts import ActAnswer
from tlog.http.answers.answer import Answer, Time


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
