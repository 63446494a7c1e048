"""PostgreSQL keeps no samples of keys and keyed hashes in its statistics

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = (("person_keys", "person_hash"), ("person_keys", "wrapped"), ("cohort_keys", "wrapped"))


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
        # The type it has already: this removes the samples that were taken, and rewrites nothing.
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bytea")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _COLUMNS:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
