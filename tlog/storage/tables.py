"""The tables of the log's database. Only what is not personal stands in clear.

`entries`
    One row for each leaf, by index. `leaf` is what the tree commits to; the rest belongs to a sealed
    entry and is NULL for a leaf that its producer sealed itself, and for an expired entry, whose `act` names
    the act that shrank it. `core` and `shared` are sealed parts; `shared_act` names the act that erased the
    shared one. `cohort` is NULL where the entry is sealed under the cohort of its class and month, else the
    name of the one it was moved to (`tlog/service/retention.py`). `terms` are its blind index terms, 8 bytes each;
    NULL means that they were never computed. `ix_entries_times` and `ix_entries_facet` repeat the times in a
    thirtieth of a row's bytes: a look-up passes over stretches of the log without reading its rows.
`facets`
    The combinations of source, action, outcome and retention class that occur, each under a number.
`terms`
    The blind index: under each keyed, truncated hash the entries whose targets or correlation it names.
`time_blocks`
    For each clock (0 `occurred_at`, 1 `received_at`), day since 1970 and block of indices, the first and the
    last time that entries of that block have on that day. A coarse index: it says where not to look.
`cohort_sizes`
    How many entries each cohort has, by its name; none has no row.
`personal`
    Actor (part 0) and subject (part 1, 2, …) parts, sealed under a key of that person; `key_id` names
    the key in the keyring and is the index for "all entries of this person". Of an erased part, the digests
    stand in `ciphertext`, `key_id` is NULL and `act` names the act.
`acts`
    What was asked of the log that destroys or protects: erasures, expiries, holds. `payload` is encrypted
    under a keyring secret and NULL once the act's own entry holds what it said.
`holds`
    What may not be erased, by whom it was placed and until when; `payload` as in `acts`.
`log_state`
    One row. `size` is how many indices are assigned, `integrated_size` how many are in the tiles; `key_epoch`
    counts the times that keys were withdrawn: rows sealed in an older epoch are not stored.
`checkpoints`
    Every checkpoint ever signed, one for each size; `witnessed_at` is when its quorum was met.
`tokens`
    Credentials by the SHA-256 of their text or certificate. `roles`, `sources` and `classes` are names with commas
    between; NULL sources or classes are all of them. `used_at` is when a login link opened its session.

The keyring's tables: a person's key whose `person_hash` is NULL is withdrawn: it opens, but nothing is sealed
under it any more.

Times are microseconds since 1970-01-01T00:00:00Z. A change here needs an alembic revision
(`migrations/log`, `migrations/keyring`); a test compares the two.
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

_ROWID = BigInteger().with_variant(Integer, "sqlite")

facets = Table(
    "facets",
    log_metadata,
    Column("facet", Integer, primary_key=True, autoincrement=True),
    Column("source", String(128), nullable=False),
    Column("action", String(128), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("retention", String(64), nullable=False),
    UniqueConstraint("source", "action", "outcome", "retention"),
)

entries = Table(
    "entries",
    log_metadata,
    Column("log_index", _ROWID, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("entry_id", LargeBinary(16)),
    Column("source", String(128)),
    Column("seq", BigInteger),
    Column("occurred_at", BigInteger),
    Column("received_at", BigInteger),
    Column("facet", Integer),
    Column("core", LargeBinary),
    Column("shared", LargeBinary),
    Column("terms", LargeBinary),
    Column("cohort", String(96)),
    Column("act", Integer),
    Column("shared_act", Integer),
    UniqueConstraint("entry_id"),
    UniqueConstraint("source", "seq"),
    Index("ix_entries_facet", "facet", "log_index", "occurred_at", "received_at"),
    Index("ix_entries_times", "log_index", "occurred_at", "received_at", "facet"),
)

terms = Table(
    "terms",
    log_metadata,
    Column("term", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

time_blocks = Table(
    "time_blocks",
    log_metadata,
    Column("clock", SmallInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

personal = Table(
    "personal",
    log_metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("key_id", BigInteger),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("act", Integer),
    Index("ix_personal_key_id", "key_id", "log_index"),
    sqlite_with_rowid=False,
)

acts = Table(
    "acts",
    log_metadata,
    Column("act", Integer, primary_key=True, autoincrement=True),
    Column("act_id", LargeBinary(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("requested_by", String(16)),
    Column("approved_by", String(16)),
    Column("key_id", BigInteger),
    Column("cohort", String(96)),
    Column("hold", Integer),
    Column("entries", BigInteger),
    Column("parts", BigInteger),
    Column("payload", LargeBinary),
    Column("applied_at", BigInteger),
    Column("entry_index", BigInteger),
    UniqueConstraint("act_id"),
)

cohort_sizes = Table(
    "cohort_sizes",
    log_metadata,
    Column("cohort", String(96), primary_key=True),
    Column("entries", BigInteger, nullable=False),
)

holds = Table(
    "holds",
    log_metadata,
    Column("hold", Integer, primary_key=True, autoincrement=True),
    Column("hold_id", LargeBinary(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("case_term", BigInteger, nullable=False),
    Column("key_id", BigInteger),
    Column("source", String(128)),
    Column("occurred_from", BigInteger),
    Column("occurred_to", BigInteger),
    Column("by_case", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger),
    UniqueConstraint("hold_id"),
    Index("ix_holds_case_term", "case_term"),
)

log_state = Table(
    "log_state",
    log_metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("integrated_size", BigInteger, nullable=False),
    Column("integrated_root", LargeBinary(32), nullable=False),
    Column("key_epoch", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("integrated_size <= size", name="integrated_within_size"),
)

checkpoints = Table(
    "checkpoints",
    log_metadata,
    Column("size", _ROWID, primary_key=True, autoincrement=False),
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
    Column("name", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("roles", String(64), nullable=False, server_default=""),
    Column("sources", Text),
    Column("classes", Text),
    Column("credential", String(16), nullable=False, server_default="bearer"),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
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
    Column("cohort", String(96), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

person_keys = Table(
    "person_keys",
    keyring_metadata,
    Column("key_id", _ROWID, primary_key=True, autoincrement=False),
    Column("person_hash", LargeBinary(32), unique=True),
    Column("wrapped", LargeBinary, nullable=False),
)
