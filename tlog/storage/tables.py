"""The tables of the log's database. Only what is not personal stands in clear.

`entries`
    One row for each leaf, by index. `leaf` is what the tree commits to; the rest belongs to a sealed
    entry and is NULL for a leaf that its producer sealed itself. `core` and `shared` are sealed parts.
`personal`
    Actor (part 0) and subject (part 1, 2, …) parts, sealed under a key of that person; `key_id` names
    the key in the keyring and is the index for "all entries of this person".
`log_state`
    One row. `size` is how many indices are assigned, `integrated_size` how many are in the tiles.
`checkpoints`
    Every checkpoint ever signed, one for each size; `witnessed_at` is when its quorum was met.
`tokens`
    Bearer tokens by the SHA-256 of their value.

Times are microseconds since 1970-01-01T00:00:00Z. A change here needs an alembic revision
(`migrations/log`); a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}

log_metadata = MetaData(naming_convention=_NAMES)

entries = Table(
    "entries",
    log_metadata,
    Column("log_index", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("entry_id", LargeBinary(16)),
    Column("source", String(128)),
    Column("seq", BigInteger),
    Column("occurred_at", BigInteger),
    Column("received_at", BigInteger),
    Column("action", String(128)),
    Column("outcome", String(16)),
    Column("retention", String(64)),
    Column("core", LargeBinary),
    Column("shared", LargeBinary),
    UniqueConstraint("entry_id"),
    UniqueConstraint("source", "seq"),
)

personal = Table(
    "personal",
    log_metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("key_id", BigInteger, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Index("ix_personal_key_id", "key_id", "log_index"),
    sqlite_with_rowid=False,
)

log_state = Table(
    "log_state",
    log_metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("integrated_size", BigInteger, nullable=False),
    Column("integrated_root", LargeBinary(32), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("integrated_size <= size", name="integrated_within_size"),
)

checkpoints = Table(
    "checkpoints",
    log_metadata,
    Column("size", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("witnessed_at", BigInteger),
)

tokens = Table(
    "tokens",
    log_metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("token_id", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

keyring_metadata = MetaData(naming_convention=_NAMES)

keyring_secrets = Table(
    "keyring_secrets",
    keyring_metadata,
    Column("name", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

cohort_keys = Table(
    "cohort_keys",
    keyring_metadata,
    Column("cohort", String(80), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

person_keys = Table(
    "person_keys",
    keyring_metadata,
    Column("key_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("person_hash", LargeBinary(32), nullable=False, unique=True),
    Column("wrapped", LargeBinary, nullable=False),
)
