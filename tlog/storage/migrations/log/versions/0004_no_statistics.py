"""PostgreSQL keeps no samples of sealed parts and acts in its statistics

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("personal", "ciphertext"),
    ("entries", "core"),
    ("entries", "shared"),
    ("entries", "terms"),
    ("acts", "payload"),
)


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
