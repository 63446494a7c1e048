"""A log of many leaves in a folder: stored through the log's own append store, integrated by the served log."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.place import make_log, served
from tlog.cli.data_folder import open_log_database
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest

_GROUP = 20_000


def make_large_log(folder: Path, size: int) -> None:
    """Make the log `folder` of `size` 32-byte leaves, all integrated and published."""
    make_log(folder, raw_leaves=True)
    with open_log_database(folder) as database:
        store = AppendStore(database)
        for start in range(0, size, _GROUP):
            store.append([SealedRequest([NewRow(leaf(index)) for index in range(start, min(start + _GROUP, size))], 0)])
    with served(folder) as place:
        place.wait_published(size, seconds=600)
        place.log.stop()


def leaf(index: int) -> bytes:
    """Return the leaf at an index."""
    return hashlib.sha256(b"leaf %d" % index).digest()
