"""Alembic's entry: run the steps on the connection of `witness.schema`, inside its transaction."""

from __future__ import annotations

from alembic import context

from witness.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
