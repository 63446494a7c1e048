"""Tessera's `fsck` audits a whole served log over HTTP: every bundle, every tile, the root."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uuid_utils

from tests.interop import tools
from tests.interop.served_log import ServedLog, init_log, serving
from tests.processes import environment

# More than 256**2, so that the log has a level-2 tile, and full and partial tiles at both levels below.
ENTRIES = 70_123
BATCH = 5_000

pytestmark = [pytest.mark.interop, pytest.mark.processes, pytest.mark.timeout(1800)]


def test_fsck_passes_on_a_served_log(tmp_path: Path) -> None:
    fsck = tools.path_of(tools.FSCK)
    init_log(tmp_path / "log", "interop.example/fsck")
    with serving(tmp_path / "log") as log:
        for batch in _batches():
            log.post("/v1/entries", batch, "application/x-ndjson")
        log.wait_published(ENTRIES, seconds=120)
        said = _fsck(fsck, log, log.vkey, tmp_path)
        found = re.search(r"Successfully fsck'd log with size (\d+) ", said)
        assert found is not None, said
        assert int(found[1]) >= ENTRIES, "the log has entries of its own beside them"
        assert "fsck failed" not in said, said


def test_fsck_fails_under_another_log_s_key(tmp_path: Path) -> None:
    """fsck ends with 0 whatever it found: only its words tell a failure from a success."""
    fsck = tools.path_of(tools.FSCK)
    init_log(tmp_path / "log", "interop.example/fsck")
    init_log(tmp_path / "other", "interop.example/fsck")
    with serving(tmp_path / "log") as log:
        log.post("/v1/entries", _entry(0), "application/x-ndjson")
        log.wait_published(1, seconds=60)
        other = (tmp_path / "other" / "log.vkey").read_text(encoding="utf-8").strip()
        said = _fsck(fsck, log, other, tmp_path)
        assert "fsck failed" in said, said
        assert "Successfully fsck'd" not in said, said


def _fsck(program: str, log: ServedLog, vkey: str, folder: Path) -> str:
    """Run fsck without its terminal interface and return what it said."""
    key_file = folder / "key.txt"
    key_file.write_text(vkey, encoding="utf-8")
    argv = [
        program,
        "--ui=false",
        "-v=1",
        "-N",
        "4",
        "--storage_url",
        f"{log.url}/",
        "--public_key",
        str(key_file),
    ]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=True, timeout=600)
    return done.stderr


def _batches() -> Iterator[bytes]:
    for first in range(0, ENTRIES, BATCH):
        yield b"".join(_entry(seq) for seq in range(first, min(first + BATCH, ENTRIES)))


def _entry(seq: int) -> bytes:
    entry = {
        "schema": 1,
        "id": str(uuid_utils.uuid7()),
        "source": "interop",
        "seq": seq,
        "occurred_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": {"type": "service", "id": f"job-{seq % 25}"},
        "action": "record.read",
        "outcome": "allowed",
        "purpose": "interoperability test",
    }
    return json.dumps(entry).encode() + b"\n"
