"""tokens by role, with scope, expiry and other credentials than bearer tokens

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("roles", sa.String(64), nullable=False, server_default=""))
    op.add_column("tokens", sa.Column("sources", sa.Text))
    op.add_column("tokens", sa.Column("classes", sa.Text))
    op.add_column("tokens", sa.Column("credential", sa.String(16), nullable=False, server_default="bearer"))
    op.add_column("tokens", sa.Column("expires_at", sa.BigInteger))
    op.execute("UPDATE tokens SET roles = 'writer', sources = name WHERE kind = 'source'")
    op.execute("UPDATE tokens SET roles = kind WHERE kind <> 'source'")
    op.drop_column("tokens", "kind")


def downgrade() -> None:
    op.add_column("tokens", sa.Column("kind", sa.String(16), nullable=False, server_default=""))
    # What an older version has no word for it must not take for something else.
    op.execute(
        "DELETE FROM tokens WHERE credential <> 'bearer' OR expires_at IS NOT NULL OR classes IS NOT NULL"
        " OR roles NOT IN ('writer', 'auditor', 'dpo')"
        " OR (roles = 'writer' AND sources <> name) OR (roles <> 'writer' AND sources IS NOT NULL)"
    )
    op.execute("DELETE FROM acts WHERE kind = 'grant'")  # an older version reads every act, and knows no such kind
    op.execute("UPDATE tokens SET kind = CASE roles WHEN 'writer' THEN 'source' ELSE roles END")
    for column in ("roles", "sources", "classes", "credential", "expires_at"):
        op.drop_column("tokens", column)
