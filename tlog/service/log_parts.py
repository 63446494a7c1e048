"""What a log is made of, before it is wired (`log.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from os import urandom
from pathlib import Path

from tlog.formats.policy import Policy
from tlog.keys.keyring import Keyring
from tlog.keys.keyring_recipe import KeyringRecipe
from tlog.service.acts import Step
from tlog.service.checkpoint_signer import CheckpointSigner
from tlog.service.retention_rules import RetentionClasses
from tlog.service.settings import LogSettings
from tlog.storage.database import Database
from tlog.storage.tile_store import TileStore


def now_us() -> int:
    """Return microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class LogParts:
    """What a log is made of; `tlog/cli` opens these from a data folder."""

    database: Database
    tiles: TileStore
    keyring: Keyring
    signer: CheckpointSigner
    policy: Policy
    settings: LogSettings
    now: Callable[[], int] = now_us
    random: Callable[[int], bytes] = urandom
    keyring_recipe: KeyringRecipe | None = None
    records: Path | None = None
    """The folder of erasure records; without one nothing can be erased."""
    retention: RetentionClasses = field(default_factory=dict)
    """The retention classes; without any, every class is accepted and nothing expires."""
    step: Step = lambda _: None
    """Told each step of an act; tests end the process there."""
