"""Somebody whom an identity provider vouches for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or service, known by `issuer` and `subject` together (OpenID Connect Core section 2).

    `name` and `email` are what the provider says, for people to read; `groups` are the values of the roles claim.
    `client` is the OAuth client that a bearer token was issued to. Times are Unix seconds: `authenticated_at` as the
    provider says it or None; after `expires_at` the provider's word has to be asked for again.

    What is personal is not in its `repr`, so that it does not get into a log by accident.
    """

    issuer: str
    subject: str = field(repr=False)
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    groups: tuple[str, ...]
    expires_at: int
    authenticated_at: int | None = None
    client: str | None = None
