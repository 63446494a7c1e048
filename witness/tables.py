"""The witness's database: who it is, and one row per log. `witness/migrations` makes it, step by step."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

# One row. The database belongs to one name and one pair of keys: under others its sizes would mean nothing.
identity = Table(
    "identity",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("ed25519_vkey", Text, nullable=False),
    Column("ml_dsa_44_vkey", Text, nullable=False),
    Column("last_timestamp", BigInteger, nullable=False),  # POSIX seconds of our latest cosignature, or 0
)

log = Table(
    "log",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("origin_hash", Text, nullable=False, unique=True),  # hex, the path of the monitoring GET
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("timestamp", BigInteger, nullable=False),  # POSIX seconds, 0: nothing cosigned yet
    Column("note", LargeBinary, nullable=True),  # the cosigned note; NULL: nothing cosigned yet
    Column("requests_per_day", Integer, nullable=True),
    Column("usage_day", Integer, nullable=False),  # days since the epoch, UTC
    Column("usage_requests", Integer, nullable=False),
)

log_key = Table(
    "log_key",
    metadata,
    Column("origin", Text, ForeignKey("log.origin"), primary_key=True),
    Column("vkey", Text, primary_key=True),
)
