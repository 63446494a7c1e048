"""A real log over SQLite in a temporary folder, and entries to append: what tests of the upper layers start from.

`make_log` opens the log, created on the first call for a folder, so that a second call after `close` is a
restart. `running_log` also starts and stops it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from os import urandom
from pathlib import Path
from typing import Any

from tests.fresh import fresh_database
from tlog.audit.entry import NDJSON
from tlog.formats.policy import Group, LogLine, Policy, WitnessLine
from tlog.keys.keyring import Keyring
from tlog.keys.keyring_recipe import KeyringRecipe
from tlog.keys.local_kek import create_local_kek, load_local_kek
from tlog.keys.signing import create_signing_keys, load_signing_keys
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.service.checkpoint_signer import CheckpointSigner
from tlog.service.intake import AppendRequest
from tlog.service.log import Log
from tlog.service.log_parts import LogParts, now_us
from tlog.service.retention_rules import RetentionClasses
from tlog.service.settings import LogSettings
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.log_store import LogStore
from tlog.storage.roles import Role
from tlog.storage.tile_store import TileStore
from tlog.storage.token_store import token_for

ORIGIN = "example.com/log"
TAKES_LEAVES = LogSettings(sealed_by_producers=True, checkpoint_interval=0.02, sealing_processes=0)
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class MadeLog:
    """A log that is open but not started, and what it is made of."""

    log: Log
    parts: LogParts
    keyring_database: Database

    def token(self, name: str = "clinic", kind: Role = Role.WRITER) -> str:
        """Issue a bearer token and return its text."""
        return self.log.tokens.issue(token_for(kind, name))[1]

    def close(self) -> None:
        """Close the databases of a log that was never started, or is stopped already."""
        self.parts.database.close()
        self.keyring_database.close()


def make_parts(
    folder: Path,
    *,
    settings: LogSettings | None = None,
    witnesses: Sequence[WitnessLine] = (),
    groups: Sequence[Group] = (),
    quorum: bytes = b"none",
    now: Callable[[], int] = now_us,
    random: Callable[[int], bytes] = urandom,
    urls: tuple[str, str] | None = None,
    step: Callable[[str], None] = lambda _: None,
    retention: RetentionClasses | None = None,
) -> tuple[LogParts, Database]:
    """Open what the log in `folder` is made of, made where missing, and its keyring's database.

    Its quorum is `none` unless the test names witnesses. `urls` are the log's and the keyring's database, if they
    are not SQLite files in the folder.
    """
    keys = folder / "keys"
    fresh = not keys.exists()
    if fresh:
        keys.mkdir(parents=True, mode=0o700)
        create_local_kek(keys / "kek.key", urandom)
        create_signing_keys(keys, ORIGIN)
    log_url, keyring_url = urls or (f"sqlite:///{folder}/log.db", f"sqlite:///{folder}/keyring.db")
    database = fresh_database(log_url, "log") if fresh else Database(log_url)
    keyring_database = fresh_database(keyring_url, "keyring") if fresh else Database(keyring_url)
    kek = load_local_kek(keys / "kek.key", urandom)
    if fresh:
        LogStore(database).create(ORIGIN, EMPTY_ROOT)
        Keyring.create(KeyringStore(keyring_database), kek, random)
    records = folder / "erasures"
    records.mkdir(mode=0o700, exist_ok=True)
    recipe = KeyringRecipe(keyring_url, folder)
    signing = load_signing_keys(keys, ORIGIN)
    signer = CheckpointSigner(signing.ed25519, signing.ml_dsa_44)
    logs = tuple(LogLine(vkey) for vkey in signer.vkeys)
    parts = LogParts(
        database,
        TileStore.in_folder(folder / "tiles"),
        Keyring(KeyringStore(keyring_database), kek, random),
        signer,
        Policy(logs, tuple(witnesses), tuple(groups), quorum),
        replace(settings or LogSettings(checkpoint_interval=0.02, sealing_processes=0), refusals_interval=0.01),
        now,
        random,
        recipe,
        records=records,
        step=step,
        retention=retention or {},
    )
    return parts, keyring_database


def make_log(folder: Path, **options: Any) -> MadeLog:
    """Open the log in `folder`, made where missing, with the options of `make_parts`."""
    parts, keyring_database = make_parts(folder, **options)
    return MadeLog(Log(parts), parts, keyring_database)


@asynccontextmanager
async def running_log(folder: Path, **options: Any) -> AsyncIterator[MadeLog]:
    """Run the log that `make_log` opens for the length of a block."""
    made = make_log(folder, **options)
    await made.log.start()
    try:
        yield made
    finally:
        await made.log.stop()
        made.close()


def entry_document(**fields: Any) -> dict[str, Any]:
    """Return a good entry of the source `clinic` as JSON data, with a `seq` never used before; `fields` replace."""
    return {
        "schema": 1,
        "source": "clinic",
        "seq": next(_NUMBERS),
        "occurred_at": "2026-03-01T09:30:00.000000Z",
        "actor": {"type": "employee", "id": "e-1007", "name": "Dr. Ada Example"},
        "action": "patient.record.read",
        "outcome": "allowed",
        "purpose": "treatment",
        "targets": [{"type": "record", "id": "r-55"}],
        "subjects": [{"id": "p-4711", "data": {"fields": ["allergies"]}}],
    } | fields


def append_request(count: int, source: str = "clinic") -> AppendRequest:
    """Return a request of `count` good entries."""
    lines = [json.dumps(entry_document(source=source)) for _ in range(count)]
    return AppendRequest("\n".join(lines).encode(), NDJSON, frozenset({source}))
