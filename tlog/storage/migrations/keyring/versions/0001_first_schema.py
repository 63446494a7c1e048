"""first schema

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "cohort_keys",
        sa.Column("cohort", sa.String(length=80), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cohort", name=op.f("pk_cohort_keys")),
    )
    op.create_table(
        "keyring_secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_keyring_secrets")),
    )
    op.create_table(
        "person_keys",
        sa.Column(
            "key_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("person_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_person_keys")),
        sa.UniqueConstraint("person_hash", name=op.f("uq_person_keys_person_hash")),
    )


def downgrade() -> None:

    op.drop_table("person_keys")
    op.drop_table("keyring_secrets")
    op.drop_table("cohort_keys")
