"""Bearer tokens. Only the SHA-256 of a token is kept: it has 256 random bits, so no slow hash is needed.

A token names what it stands for: `source` may append entries of that source and read them back,
`auditor` may read every entry, `dpo` may read every entry and acts on personal data: erases, holds, lets expire.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, select, update

from tlog.errors import ConfigurationInvalid, NotFound, Unauthorized
from tlog.storage.database import Database
from tlog.storage.tables import tokens

_PREFIX = "tlog_"
OWN_SOURCE: Final = "tlog"
"""The source of the log's own entries, which tell of its acts: nobody else may append under it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


class TokenKind(StrEnum):
    """What a token is for."""

    SOURCE = "source"
    AUDITOR = "auditor"
    DPO = "dpo"


@dataclass(frozen=True, slots=True)
class Token:
    """A known token, without its secret. Times are microseconds since the epoch."""

    token_id: str
    kind: TokenKind
    name: str
    created_at: int
    revoked_at: int | None


class TokenStore:
    """Issues, finds and revokes tokens. Methods block: call them off the event loop."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        """`now` returns microseconds since the epoch."""
        self._database = database
        self._now = now

    def issue(self, kind: TokenKind, name: str) -> tuple[Token, str]:
        """Make a token; its text is returned this once. Raises `ConfigurationInvalid` for a bad
        name, and for a source of the log's own name."""
        if not _NAME.fullmatch(name):
            raise ConfigurationInvalid(
                "a token's name has 1 to 128 characters of a-z 0-9 . _ - and starts with a letter or digit"
            )
        if kind is TokenKind.SOURCE and name == OWN_SOURCE:
            raise ConfigurationInvalid(f"the source name {OWN_SOURCE} is reserved for the log's own entries")
        text = _PREFIX + secrets.token_urlsafe(32)
        token = Token(secrets.token_hex(4), kind, name, self._now(), None)
        values = {field: getattr(token, field) for field in Token.__slots__}
        with self._database.write() as connection:
            connection.execute(insert(tokens).values(token_hash=_hash(text), **values))
        return token, text

    def find(self, text: str) -> Token:
        """Return the token with this text. Raises `Unauthorized` if it is unknown or revoked."""
        query = select(*_COLUMNS).where(tokens.c.token_hash == _hash(text), tokens.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise Unauthorized("this token is not known here, or was revoked")
        return _token(row)

    def all(self) -> list[Token]:
        """Return every token ever issued, oldest first."""
        query = select(*_COLUMNS).order_by(tokens.c.created_at)
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(query)]

    def revoke(self, token_id: str) -> None:
        """Make a token useless from now on. Raises `NotFound` if no such token is in force."""
        change = update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
        with self._database.write() as connection:
            if connection.execute(change.values(revoked_at=self._now())).rowcount != 1:
                raise NotFound(f"no token in force has the id {token_id}")


_COLUMNS = (tokens.c.token_id, tokens.c.kind, tokens.c.name, tokens.c.created_at, tokens.c.revoked_at)


def _token(row: Any) -> Token:
    return Token(row[0], TokenKind(row[1]), row[2], row[3], row[4])


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
