"""`tlog key rotate kek`: what it says of old and new keys, and that destroying the old ones is asked about."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_backup import fill
from tests.cli.test_erase import Terminal
from tlog.keys.local_kek import kek_id

DESTROY = ("key", "rotate", "kek", "--destroy-old")


def test_old_and_new_are_named(tlog: Command, log: Path) -> None:
    fill(log, 3)
    said = tlog("key", "rotate", "kek", log)
    [old] = (log / "keys").glob("kek-*.key")
    new = kek_id((log / "keys" / "kek.key").read_bytes()).hex()
    lines = said.out.splitlines()
    assert lines[1] == f"new  {new}  {log / 'keys' / 'kek.key'}"
    assert lines[2] == f"old  {old}"
    again = tlog("key", "rotate", "kek", log, "--json").json
    assert (len(again["old"]), str(old) in again["old"]) == (2, True)
    assert again["new"] == kek_id((log / "keys" / "kek.key").read_bytes()).hex()
    assert tlog("fsck", log, "--json").json["ok"] is True


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_destroying_old_ones_is_asked_about(
    tlog: Command, log: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    tlog("key", "rotate", "kek", log)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    said = tlog(*DESTROY, log, code=code)
    assert "Every backup of the keyring" in said.err
    assert len(list((log / "keys").glob("kek-*.key"))) == code


def test_without_a_terminal_it_needs_yes(tlog: Command, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tlog("key", "rotate", "kek", log)
    [old] = (log / "keys").glob("kek-*.key")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "needs --yes" in tlog(*DESTROY, log, code=2).err
    assert old.exists()
    assert tlog(*DESTROY, log, "--yes", "--json").json == {"destroyed": 1, "files": [str(old)]}
    assert not old.exists()
