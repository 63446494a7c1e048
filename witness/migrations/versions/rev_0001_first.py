"""The first shape: identity, logs and their keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ed25519_vkey", sa.Text, nullable=False),
        sa.Column("ml_dsa_44_vkey", sa.Text, nullable=False),
        sa.Column("last_timestamp", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "log",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("origin_hash", sa.Text, nullable=False, unique=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=True),
        sa.Column("requests_per_day", sa.Integer, nullable=True),
        sa.Column("usage_day", sa.Integer, nullable=False),
        sa.Column("usage_requests", sa.Integer, nullable=False),
    )
    op.create_table(
        "log_key",
        sa.Column("origin", sa.Text, sa.ForeignKey("log.origin"), primary_key=True),
        sa.Column("vkey", sa.Text, primary_key=True),
    )


def downgrade() -> None:
    """Refuse: a witness that forgets its state could cosign a fork."""
    raise NotImplementedError("a witness's database is never taken back")
