"""look-up by facets, blind terms and time; acts that erase, expire and hold

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tlog.storage.time_blocks import BLOCK, DAY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FACET = ("source", "action", "outcome", "retention")


def upgrade() -> None:
    _create_tables()
    with op.batch_alter_table("entries") as table:
        table.add_column(sa.Column("facet", sa.Integer(), nullable=True))
        table.add_column(sa.Column("terms", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("cohort", sa.String(96), nullable=True))
        table.add_column(sa.Column("act", sa.Integer(), nullable=True))
        table.add_column(sa.Column("shared_act", sa.Integer(), nullable=True))
    _fill()
    with op.batch_alter_table("entries") as table:
        for name in _FACET[1:]:
            table.drop_column(name)
    op.create_index("ix_entries_facet", "entries", ["facet", "log_index"])
    with op.batch_alter_table("personal") as table:
        table.alter_column("key_id", existing_type=sa.BigInteger(), nullable=True)
        table.add_column(sa.Column("act", sa.Integer(), nullable=True))
    with op.batch_alter_table("log_state") as table:
        table.add_column(sa.Column("key_epoch", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("what was erased can't be put back: restore the backup made before")


def _create_tables() -> None:
    op.create_table(
        "facets",
        sa.Column("facet", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("retention", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("facet", name=op.f("pk_facets")),
        sa.UniqueConstraint("source", "action", "outcome", "retention", name=op.f("uq_facets_source")),
    )
    op.create_table(
        "terms",
        sa.Column("term", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "log_index", name=op.f("pk_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "time_blocks",
        sa.Column("clock", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clock", "day", "block", name=op.f("pk_time_blocks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "acts",
        sa.Column("act", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("act_id", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(16), nullable=True),
        sa.Column("approved_by", sa.String(16), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("cohort", sa.String(96), nullable=True),
        sa.Column("hold", sa.Integer(), nullable=True),
        sa.Column("entries", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("entry_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("act", name=op.f("pk_acts")),
        sa.UniqueConstraint("act_id", name=op.f("uq_acts_act_id")),
    )
    op.create_table(
        "holds",
        sa.Column("hold", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hold_id", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("case_term", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(128), nullable=True),
        sa.Column("occurred_from", sa.BigInteger(), nullable=True),
        sa.Column("occurred_to", sa.BigInteger(), nullable=True),
        sa.Column("by_case", sa.SmallInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hold", name=op.f("pk_holds")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_holds_hold_id")),
    )
    op.create_index("ix_holds_case_term", "holds", ["case_term"])


def _fill() -> None:
    op.execute(
        "INSERT INTO facets (source, action, outcome, retention) "
        "SELECT DISTINCT source, action, outcome, retention FROM entries WHERE entry_id IS NOT NULL"
    )
    same = " AND ".join(f"facets.{name} = entries.{name}" for name in _FACET)
    op.execute(f"UPDATE entries SET facet = (SELECT facet FROM facets WHERE {same})")  # noqa: S608 - constants
    for clock, column in enumerate(("occurred_at", "received_at")):
        day, block = f"({column} - (({column} % {DAY}) + {DAY}) % {DAY}) / {DAY}", f"log_index / {BLOCK}"
        op.execute(
            "INSERT INTO time_blocks (clock, day, block, first, last) "  # noqa: S608 - constants
            f"SELECT {clock}, {day}, {block}, min({column}), max({column}) "
            f"FROM entries WHERE entry_id IS NOT NULL GROUP BY {day}, {block}"
        )
