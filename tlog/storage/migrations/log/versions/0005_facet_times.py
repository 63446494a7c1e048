"""the times of entries beside their facets

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_entries_facet", "entries")
    op.create_index("ix_entries_facet", "entries", ["facet", "log_index", "occurred_at", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_entries_facet", "entries")
    op.create_index("ix_entries_facet", "entries", ["facet", "log_index"])
