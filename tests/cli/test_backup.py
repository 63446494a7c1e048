"""`tlog backup`: two folders, whole and checked, with nothing in either that belongs into neither."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.support import append_request, entry_document
from tlog.audit.entry import NDJSON
from tlog.cli.backup import one_backup
from tlog.cli.data_folder import DataFolder, open_folder
from tlog.service.intake import AppendRequest
from tlog.service.log import Log

CHANGES = ("log.sqlite3", "tlog.toml", "policy.txt", "log.vkey", "log-mldsa.vkey", "manifest.json")


def fill(folder: Path, count: int, **fields: object) -> None:
    """Append entries to a log without witnesses, and have them published."""

    async def run() -> None:
        with open_folder(folder) as opened:
            log = Log(opened.parts)
            await log.start()
            try:
                if fields:
                    body = json.dumps(entry_document(**fields)).encode()
                    placed = await log.appender.append(AppendRequest(body, NDJSON, frozenset({"clinic"})))
                else:
                    placed = await log.appender.append(append_request(count))
                await asyncio.wait_for(log.wait("witnessed", placed[-1].index + 1), 20)
            finally:
                await log.stop()

    asyncio.run(run())


def back_up(tlog: Command, log: Path, *options: object) -> tuple[Path, Path]:
    base = log.parent
    made = tlog("backup", log, "--entries-to", base / "a", "--keyring-to", base / "b", "--json", *options).json
    return Path(made["entries"]), Path(made["keyring"])


def test_what_is_in_a_backup_and_what_is_not(tlog: Command, log: Path) -> None:
    fill(log, 30)
    umask = os.umask(0)
    try:
        entries, keyring = back_up(tlog, log)
    finally:
        os.umask(umask)
    assert {path.name for path in entries.iterdir()} == {*CHANGES, "erasures"}
    assert {path.name for path in keyring.iterdir()} == {"keyring.sqlite3", "manifest.json"}
    for path in (entries, keyring, *entries.rglob("*"), *keyring.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert entries.name == keyring.name, "one time, one name"
    manifest = json.loads((entries / "manifest.json").read_bytes())["manifest"]
    assert (manifest["origin"], manifest["size"], manifest["kind"]) == (
        "example.com/log",
        31,
        "entries",
    )
    assert manifest["made_at"].endswith("Z")
    assert manifest["checkpoint"].startswith("example.com/log\n31\n")
    assert manifest["files"]["log.sqlite3"]["bytes"] == (entries / "log.sqlite3").stat().st_size
    secrets = [path.read_bytes() for path in (log / "keys").iterdir()]
    for path in (*entries.rglob("*"), *keyring.rglob("*")):
        assert path.is_dir() or not any(secret in path.read_bytes() for secret in secrets)


def test_it_says_what_is_missing_from_it(tlog: Command, log: Path, tmp_path: Path) -> None:
    said = tlog("backup", log, "--entries-to", tmp_path / "a", "--keyring-to", tmp_path / "b").out
    assert "In neither: the key-encryption key and the signing keys" in said


@pytest.mark.parametrize(
    ("a", "b", "clue"),
    [
        ("x", "x", "apart"),
        ("x", "x/y", "apart"),
        ("x/y", "x", "apart"),
        ("log/x", "y", "inside the data folder"),
        ("x", "log", "inside the data folder"),
        ("link/x", "y", "inside the data folder"),
    ],
)
def test_places_that_are_not_apart_are_refused(  # noqa: PLR0917
    a: str, b: str, clue: str, tlog: Command, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(log)
    before = sorted(tmp_path.rglob("*"))
    refused = tlog("backup", log, "--entries-to", tmp_path / a, "--keyring-to", tmp_path / b, code=1)
    assert clue in refused.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_second_backup_at_once_is_refused(tlog: Command, log: Path, tmp_path: Path) -> None:
    with one_backup(DataFolder(log)):
        refused = tlog("backup", log, "--entries-to", tmp_path / "a", "--keyring-to", tmp_path / "b", code=1)
    assert "under way already" in refused.err


def test_a_password_is_left_out_of_the_settings(tlog: Command, log: Path) -> None:
    from tlog.cli.backup import _settings  # noqa: PLC0415
    from tlog.cli.config import Config, Databases, parse_config  # noqa: PLC0415

    given = Databases("postgresql+psycopg://u:hush@db/x?sslmode=require", "postgresql+psycopg://u:hush2@db/y")
    written = _settings(DataFolder(log), Config("example.com/log", databases=given))
    assert b"hush" not in written
    assert parse_config(written, "x").databases.log == "postgresql+psycopg://u@db/x?sslmode=require"
