"""Tokens, client certificates and login links, for admins.

POST /v1/tokens               {"name", "roles", "sources"?, "classes"?, "credential"?, "days"? or "hours"?,
                               "certificate"? (PEM)}
201  issued; `token` is its text, told this once. For a link, the end of /ui/login/link?code=
202  waits for another admin; the text is told now and is worth nothing before
GET  /v1/tokens               every one ever issued, without its secret
POST /v1/tokens/{id}/revoke   useless from now on, within the seconds that a running log believes it
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from tlog.audit import fields
from tlog.audit.fields import instant
from tlog.errors import BadRequest, ConfigurationInvalid
from tlog.http.acts import act_answer
from tlog.http.answers.answer import json_answer
from tlog.http.answers.tokens import IssuedAnswer, TokenAnswer, TokenList
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import note_waiting, principal_of
from tlog.http.query import parse_query
from tlog.keys.client_certificate import fingerprint_of
from tlog.service.log import Log
from tlog.storage.act_store import ActState
from tlog.storage.roles import RowScope, roles_of, sorted_names
from tlog.storage.token_store import MAX_NAMES, Credential, NewToken, Token, hash_of, new_secret

_HOUR: Final = 3_600_000_000
MAX_DAYS: Final = 3660
RoleName = Annotated[Literal["writer", "reader", "auditor", "dpo", "admin"], Meta(description="a role")]
CredentialName = Annotated[Literal["bearer", "certificate", "link"], Meta(description="a kind of credential")]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._@-]{0,127}\Z",
        description="a name of 1 to 128 characters a-z 0-9 . _ @ - that starts with a letter or digit",
    ),
]
Roles = Annotated[
    list[RoleName],
    Meta(min_length=1, max_length=5, description="one or more of writer, reader, auditor, dpo and admin"),
]
Sources = Annotated[list[fields.SourceName], Meta(min_length=1, max_length=MAX_NAMES, description="names of sources")]
Classes = Annotated[
    list[fields.RetentionClass], Meta(min_length=1, max_length=MAX_NAMES, description="names of retention classes")
]


class TokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A credential to issue. Without `days` or `hours` a token never expires, and a link does after a day."""

    name: Name
    roles: Annotated[
        list[RoleName],
        Meta(min_length=1, max_length=5, description="one or more of writer, reader, auditor, dpo and admin"),
    ]
    sources: Sources | None = None
    classes: Classes | None = None
    credential: CredentialName = "bearer"
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS, description=f"from 1 to {MAX_DAYS}")] | None = None
    hours: Annotated[int, Meta(ge=1, le=24 * 7, description="from 1 to 168")] | None = None
    certificate: Annotated[str, Meta(max_length=20_000, description="a certificate in PEM")] | None = None

    def new(self, now: int) -> NewToken:
        """Return what is to be issued; `now` in microseconds. Raises `BadRequest`."""
        if (self.credential == "certificate") is not (self.certificate is not None):
            raise BadRequest("certificate: give a certificate in PEM with the credential 'certificate', and only then")
        if self.days is not None and self.hours is not None:
            raise BadRequest("hours: give either days or hours")
        scope = RowScope(
            None if self.sources is None else frozenset(self.sources),
            None if self.classes is None else frozenset(self.classes),
        )
        hours = self.hours or (None if self.days is None else 24 * self.days)
        if hours is None and self.credential == "link":
            hours = 24
        expires_at = None if hours is None else now + hours * _HOUR
        new = NewToken(self.name, roles_of(self.roles), scope, Credential(self.credential), expires_at)
        try:
            new.check()
        except ConfigurationInvalid as error:
            raise BadRequest(str(error)) from None
        return new

    def fingerprint(self) -> bytes | None:
        """Return the SHA-256 of the certificate, if one is given. Raises `BadRequest`."""
        if self.certificate is None:
            return None
        try:
            return fingerprint_of(self.certificate.encode())
        except ValueError:
            raise BadRequest("certificate: not a certificate in PEM") from None


class TokenRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies

    async def issue(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/tokens`."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, TokenBody)
        new, fingerprint = body.new(self._log.acts.now()), body.fingerprint()
        text = None if fingerprint is not None else new_secret()
        digest = fingerprint if text is None else hash_of(text)
        assert digest is not None  # noqa: S101 - one of the two is there
        work = self._log.acts.spawn(self._log.grants.request(new, digest, principal))
        token_id, act = await asyncio.shield(work)
        pending = act.state is ActState.PENDING
        note_waiting(request, [act.act_id] if pending else [])
        answer = IssuedAnswer(id=token_id, token=text, act=act_answer(self._log, act))
        return json_answer(answer, status=202 if pending else 201)

    async def all(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/tokens`."""
        parse_query(request)
        tokens = await asyncio.to_thread(self._log.tokens.all)
        return json_answer(TokenList(tokens=[token_answer(token) for token in tokens]))

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/tokens/{id}/revoke`. Logged first: a revocation that nobody heard of is worse."""
        parse_query(request)
        token_id = request.match_info["id"]
        work = self._log.acts.spawn(self._log.grants.revoke(token_id, principal_of(request)))
        return json_answer(token_answer(await asyncio.shield(work)))


def token_answer(token: Token) -> TokenAnswer:
    """Return what an admin may know of a credential."""
    return TokenAnswer(
        id=token.token_id,
        name=token.name,
        roles=sorted(token.roles),
        sources=sorted_names(token.scope.sources),
        classes=sorted_names(token.scope.classes),
        credential=token.credential.value,
        created_at=instant(token.created_at),
        expires_at=None if token.expires_at is None else instant(token.expires_at),
        revoked_at=None if token.revoked_at is None else instant(token.revoked_at),
        used_at=None if token.used_at is None else instant(token.used_at),
    )
