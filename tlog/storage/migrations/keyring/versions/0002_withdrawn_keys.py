"""keys that are withdrawn from use before they are destroyed; longer names of cohorts

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("person_keys") as table:
        table.alter_column("person_hash", existing_type=sa.LargeBinary(32), nullable=True)
    with op.batch_alter_table("cohort_keys") as table:
        table.alter_column("cohort", existing_type=sa.String(80), type_=sa.String(96), existing_nullable=False)


def downgrade() -> None:
    raise NotImplementedError("a withdrawn key can't be put back into use: restore the backup made before")
