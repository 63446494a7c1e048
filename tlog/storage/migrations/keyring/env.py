"""Alembic environment: runs on the connection that `tlog.storage.migrate` hands over."""

from __future__ import annotations

from alembic import context

from tlog.storage.tables import keyring_metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=keyring_metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
