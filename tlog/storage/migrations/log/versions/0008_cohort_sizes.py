"""how many entries each cohort has

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SECONDS = "((received_at - ((received_at % 1000000) + 1000000) % 1000000) / 1000000)"
_MONTHS = {
    "sqlite": f"strftime('%Y-%m', {_SECONDS}, 'unixepoch')",
    "postgresql": f"to_char(to_timestamp({_SECONDS}) AT TIME ZONE 'UTC', 'YYYY-MM')",
}


def upgrade() -> None:
    op.create_table(
        "cohort_sizes",
        sa.Column("cohort", sa.String(96), nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("cohort", name=op.f("pk_cohort_sizes")),
    )
    bind = op.get_bind()
    month = _MONTHS[bind.dialect.name]
    # Only an expiry moves entries; where there was none, an index has all that is asked, and no row is read.
    moved = bind.execute(sa.text("SELECT 1 FROM acts WHERE kind = 'expiry' LIMIT 1")).first() is not None
    cohort, by = ("cohort", "1, 2, 3") if moved else ("NULL AS cohort", "1, 3")
    op.execute(
        "INSERT INTO cohort_sizes (cohort, entries) "  # noqa: S608 - constants
        "SELECT coalesce(e.cohort, f.retention || '/' || e.month), sum(e.found) FROM ("
        f"SELECT facet, {cohort}, {month} AS month, count(*) AS found "
        f"FROM entries WHERE facet IS NOT NULL GROUP BY {by}"
        ") AS e JOIN facets AS f ON f.facet = e.facet GROUP BY 1"
    )


def downgrade() -> None:
    op.drop_table("cohort_sizes")
