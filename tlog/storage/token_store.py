"""Credentials: made once, shown once, stored as their SHA-256.

Three kinds. A `bearer` token's text holds 256 random bits, so no slow hash is needed. Of a client `certificate` the
fingerprint (SHA-256 of its DER) is stored; its private key never leaves the client. A `link` logs somebody in once,
in a browser.

Each names somebody, their roles and the rows they are limited to. It may expire, and be revoked.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError

from tlog.errors import ConfigurationInvalid, Conflict, NotFound, Unauthorized
from tlog.storage.database import Database
from tlog.storage.roles import EVERYTHING, OWN_SOURCE, Role, RowScope, join_names, roles_of, split_names
from tlog.storage.tables import tokens

_PREFIX = "tlog_"
MAX_NAMES: Final = 64
"""So many sources, and so many classes, one credential may be limited to."""
SESSION_HOURS: Final = 10
"""How long somebody stays logged in who came with a link."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,127}")


class Credential(StrEnum):
    """How somebody shows who they are."""

    BEARER = "bearer"
    CERTIFICATE = "certificate"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Token:
    """A known credential, without its secret. Times are microseconds since the epoch."""

    token_id: str
    name: str
    roles: frozenset[Role]
    scope: RowScope = EVERYTHING
    credential: Credential = Credential.BEARER
    created_at: int = 0
    expires_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a credential is to be: checked, not stored. `certificate` is a fingerprint of 32 bytes."""

    name: str
    roles: frozenset[Role]
    scope: RowScope = EVERYTHING
    credential: Credential = Credential.BEARER
    expires_at: int | None = None
    certificate: bytes | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise `ConfigurationInvalid` for a bad name, no role, too long a list, a writer without sources or of the
        log's own."""
        if not _NAME.fullmatch(self.name):
            raise ConfigurationInvalid(
                "a token's name has 1 to 128 characters of a-z 0-9 . _ @ - and starts with a letter or digit"
            )
        if not self.roles:
            raise ConfigurationInvalid("a token needs a role")
        if any(len(names or ()) > MAX_NAMES for names in (self.scope.sources, self.scope.classes)):
            raise ConfigurationInvalid(f"a token names at most {MAX_NAMES} sources and {MAX_NAMES} classes")
        if Role.WRITER not in self.roles:
            return
        if not self.scope.sources:
            raise ConfigurationInvalid("a writer needs at least one source that it appends entries of")
        if OWN_SOURCE in self.scope.sources:
            raise ConfigurationInvalid(f"the source name {OWN_SOURCE} is reserved for the log's own entries")


def token_for(role: Role, name: str) -> NewToken:
    """Return the usual token of a role: a writer's is named as the source it appends entries of."""
    return NewToken(name, frozenset({role}), RowScope(frozenset({name})) if role is Role.WRITER else EVERYTHING)


class TokenStore:
    """Issues, finds and revokes credentials. Methods block: call them off the event loop."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        """`now` returns microseconds since the epoch."""
        self._database = database
        self._now = now

    def issue(self, new: NewToken, token_id: str | None = None) -> tuple[Token, str]:
        """Make a credential and return it with its text, which is told this once; empty for a certificate.

        Raises `ConfigurationInvalid` as `NewToken.check` does, `Conflict` for a certificate that is known.
        """
        new.check()
        text = "" if new.certificate is not None else new_secret()
        digest = new.certificate if new.certificate is not None else hash_of(text)
        return self.store(new, digest, token_id), text

    def store(self, new: NewToken, digest: bytes, token_id: str | None = None) -> Token:
        """Store a credential whose SHA-256 is `digest`; once, however often it is repeated with the same id.

        Raises `Conflict` for a digest, or an id, that another one has.
        """
        token = Token(
            token_id or new_token_id(),
            new.name,
            new.roles,
            new.scope,
            new.credential,
            self._now(),
            new.expires_at,
        )
        try:
            with self._database.write() as connection:
                connection.execute(insert(tokens).values(token_hash=digest, **_values(token)))
        except IntegrityError:  # looked at afterwards, not before: another process may store it at the same moment
            known = self._one(tokens.c.token_hash == digest)
            if known is None:  # a link that somebody used since has another digest
                known = self._one(tokens.c.token_id == token_id, tokens.c.used_at.is_not(None))
            if known is None or known.token_id != token_id:
                raise _known() from None
            return known
        return token

    def find(self, text: str) -> Token:
        """Return the bearer token with this text. Raises `Unauthorized` if it is unknown, revoked or expired."""
        return self._find(hash_of(text), Credential.BEARER, "token")

    def find_certificate(self, fingerprint: bytes) -> Token:
        """Return who a client certificate with this SHA-256 stands for. Raises `Unauthorized`."""
        return self._find(fingerprint, Credential.CERTIFICATE, "client certificate")

    def find_link(self, text: str) -> Token:
        """Return who a login link stands for that was not used yet. Raises `Unauthorized`."""
        return self._find(hash_of(text), Credential.LINK, "link")

    def use_link(self, text: str) -> Token:
        """Return who a login link stands for, and make its text useless. Raises `Unauthorized`.

        What is left of it stands for the session that it opened, `SESSION_HOURS` long, and can be revoked. Its hash is
        compared and swapped, so of two who come with it one is let in.
        """
        token = self.find_link(text)
        now = self._now()
        ends = now + SESSION_HOURS * 3_600_000_000
        values = {"token_hash": hash_of(new_secret()), "expires_at": ends, "used_at": now}
        used = update(tokens).where(tokens.c.token_hash == hash_of(text), tokens.c.revoked_at.is_(None))
        with self._database.write() as connection:
            row = connection.execute(used.values(values).returning(*_COLUMNS)).first()
        if row is None:
            raise Unauthorized(f"the link of {token.name} was used already")
        return _token(row)

    def in_force(self, token_id: str) -> Token:
        """Return a credential by its id. Raises `Unauthorized` if it was revoked or has expired."""
        token = self._unrevoked(token_id)
        if token is None:
            raise Unauthorized("the credential of this session was revoked")
        return self._unexpired(token, "session")

    def all(self) -> list[Token]:
        """Return every credential ever issued, oldest first."""
        query = select(*_COLUMNS).order_by(tokens.c.created_at, tokens.c.token_id)
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(query)]

    def all_in_force(self) -> list[Token]:
        """Return every credential that was neither revoked nor has expired."""
        now = self._now()
        return [t for t in self.all() if t.revoked_at is None and (t.expires_at is None or t.expires_at > now)]

    def require_in_force(self, token_id: str) -> Token:
        """Return the credential of this id. Raises `NotFound` unless it is there and not revoked."""
        token = self._unrevoked(token_id)
        if token is None:
            raise _not_in_force(token_id)
        return token

    def require_unknown(self, digest: bytes) -> None:
        """Raise `Conflict` if there is a credential with this SHA-256."""
        if self._one(tokens.c.token_hash == digest) is not None:
            raise _known()

    def revoke(self, token_id: str) -> Token:
        """Make a credential useless from now on, and return it. Raises `NotFound` if no such one is in force."""
        change = update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
        with self._database.write() as connection:
            row = connection.execute(change.values(revoked_at=self._now()).returning(*_COLUMNS)).first()
        if row is None:
            raise _not_in_force(token_id)
        return _token(row)

    def _one(self, *where: ColumnElement[bool]) -> Token | None:
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(*where)).first()
        return None if row is None else _token(row)

    def _find(self, digest: bytes, credential: Credential, what: str) -> Token:
        of_kind = tokens.c.credential == str(credential)
        token = self._one(tokens.c.token_hash == digest, of_kind, tokens.c.revoked_at.is_(None))
        if token is None and credential is Credential.LINK:
            raise Unauthorized("this link is not known here, or was used already; 'tlog token link' makes another")
        if token is None:
            raise Unauthorized(f"this {what} is not known here, or was revoked")
        return self._unexpired(token, what)

    def _unrevoked(self, token_id: str) -> Token | None:
        return self._one(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))

    def _unexpired(self, token: Token, what: str) -> Token:
        if token.expires_at is not None and token.expires_at <= self._now():
            raise Unauthorized(f"this {what} has expired")
        return token


def new_secret() -> str:
    """Return the text of a new token or link."""
    return _PREFIX + secrets.token_urlsafe(32)


def new_token_id() -> str:
    """Return an id that a credential is known by to people."""
    return secrets.token_hex(4)


def hash_of(text: str) -> bytes:
    """Return what is stored of a token's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _not_in_force(token_id: str) -> NotFound:
    return NotFound(f"no token in force has the id {token_id}")


def _known() -> Conflict:
    return Conflict("this credential is known here already")


_COLUMNS: Final[Collection[Any]] = [column for column in tokens.c if column is not tokens.c.token_hash]


def _values(token: Token) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "name": token.name,
        "roles": ",".join(sorted(token.roles)),
        "sources": join_names(token.scope.sources),
        "classes": join_names(token.scope.classes),
        "credential": str(token.credential),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "used_at": token.used_at,
    }


def _token(row: Any) -> Token:
    return Token(
        row.token_id,
        row.name,
        roles_of(row.roles.split(",")),
        RowScope(split_names(row.sources), split_names(row.classes)),
        Credential(row.credential),
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.used_at,
    )
