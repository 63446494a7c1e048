"""Alembic revisions, one chain for the log's database and one for the keyring's."""
