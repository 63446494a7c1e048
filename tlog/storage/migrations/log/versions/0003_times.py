"""a narrow index over the times of entries, in the order of the log

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_entries_times", "entries", ["log_index", "occurred_at", "received_at", "facet"])


def downgrade() -> None:
    op.drop_index("ix_entries_times", "entries")
