"""Erase by hand: parts replaced by their digests, keys destroyed, and an act's row that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tlog.keys.keyring import Keyring
from tlog.service.entries import EntryReader
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore

_BYTES = re.compile(r"\bx'([0-9a-f]*)'")
ACT = (
    "INSERT INTO acts (act, act_id, kind, state, requested_at) "
    "VALUES (1, x'00112233445566778899aabbccddeeff', '%s', 'done', 0)"
)
EXPIRE = (
    ACT % "expiry",
    (
        "UPDATE entries SET act = 1, entry_id = NULL, source = NULL, seq = NULL, occurred_at = NULL, "
        "received_at = NULL, facet = NULL, core = NULL, shared = NULL, terms = NULL {where}"
    ),
    "DELETE FROM personal {where}",
    "DELETE FROM terms {where}",
)


def run(database: Database, statements: Sequence[str]) -> None:
    """Run SQL in one transaction; PostgreSQL writes bytes in another way."""
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement if database.is_sqlite else _BYTES.sub(r"'\\x\1'", statement))


def erase_part(database: Database, keyring: Keyring, index: int, part: int, *, destroy: bool = True) -> None:
    """Erase one personal part of an entry, for a subject with the shared part, and destroy the person's key."""
    label = "actor" if part == 0 else f"subjects[{part - 1}]"
    shared = ["shared"] if part else []
    reader = EntryReader(LogStore(database), keyring)
    row = reader.stored(index)
    key_id = row.personal[part].key_id
    assert key_id is not None
    [digests] = reader.erased([(row, [label, *shared])])
    assert isinstance(digests, dict)
    keyring.withdraw_person(key_id)
    LogStore(database).advance_epoch()
    with database.write() as connection:
        connection.exec_driver_sql(ACT % "erasure")
        connection.exec_driver_sql(
            "UPDATE personal SET ciphertext = ?, key_id = NULL, act = 1 WHERE log_index = ? AND part = ?",
            (digests[label], index, part),
        )
        if part:
            connection.exec_driver_sql(
                "UPDATE entries SET shared = ?, shared_act = 1, terms = x'' WHERE log_index = ?",
                (digests["shared"], index),
            )
            connection.exec_driver_sql("DELETE FROM terms WHERE log_index = ?", (index,))
    if destroy:
        keyring.destroy_person(key_id)
