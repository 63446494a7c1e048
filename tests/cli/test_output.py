"""How failures are printed with --json: one object on the last line of stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.client import material
from tlog.cli.main import COMMANDS
from tlog.cli.output import emit

AT = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
FAILURES = {
    "init": ("{there}", "--origin", "example.com/log"),
    "serve": ("{nowhere}",),
    "token": ("list", "{nowhere}"),
    "append": ("{nowhere}", *AT),
    "get": (1, *AT),
    "prove": (1, *AT),
    "evidence": (1, *AT),
    "redact": ("{nowhere}", "--redact", "actor", "-o", "{there}/less.json"),
    "consistency": (1, 2, *AT),
    "verify": ("{nowhere}", "--policy", "{nowhere}"),
    "search": ("--subject", "p-1", *AT),
    "erase": ("list", *AT),
    "who-looked": (1, *AT),
    "subject-access": ("--subject-file", "{there}", "--authorised-by", "Dana", *AT),
    "drill": ("--policy", "{nowhere}", *AT),
    "hold": ("list", *AT),
    "retention": ("plan", *AT),
    "act": ("list", *AT),
    "backup": ("{nowhere}", "--entries-to", "{there}/a", "--keyring-to", "{there}/b"),
    "restore": (
        *("--entries", "{nowhere}", "--keyring", "{nowhere}", "--keys", "{nowhere}"),
        *("--to", "{there}/new", "--no-later-erasures"),
    ),
    "read": ("{nowhere}", 1, "--purpose", "request 4", "--authorised-by", "Dana"),
    "fsck": ("{nowhere}",),
    "key": ("inspect", "no key"),
    "migrate": ("{nowhere}",),
    "demo": ("--once", "--keep", "{there}"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_failure_is_one_json_object_on_stderr(
    tlog: Command, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLOG_TOKEN", "a-token")
    places = {"there": tmp_path, "nowhere": tmp_path / "nowhere"}
    arguments = [str(argument).format(**places) for argument in FAILURES[command]]
    failed = tlog(command, *arguments, "--json", code=1)
    assert failed.error["error"]
    text = tlog(command, *arguments, code=1)
    assert text.err == f"tlog: {failed.error['error']}\n"


def test_a_refused_file_names_its_check(tlog: Command, tmp_path: Path) -> None:
    (tmp_path / "policy").write_bytes(b"quorum none\n")
    (tmp_path / "note").write_bytes(material.checkpoint().encode())
    failed = tlog("verify", tmp_path / "note", "--policy", tmp_path / "policy", "--json", code=1)
    assert failed.error == {"error": failed.json["error"], "check": "origin"}


def test_an_attempt_that_is_repeated_is_a_notice(tlog: Command) -> None:
    failed = tlog("prove", 1, "--url", "http://127.0.0.1:1", "--retry-for", 0.5, "--json", code=1)
    first, *_ = failed.err.splitlines()
    assert first.startswith('{"notice": "http://127.0.0.1:1 does not answer')
    assert failed.error


def test_what_a_file_says_cannot_drive_the_terminal_in_json_either(tlog: Command) -> None:
    assert "\x9b" not in tlog("key", "inspect", "a\x9b31m+0+b", "--json", code=1).err


def test_json_holds_nothing_that_drives_a_terminal_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    value = "a\x1b[2Jb\x7f\x9b2J\u202egnp.exe\u2028c\U000e0001d\u00e9\U0001f600"
    emit({"field": value}, "", as_json=True)
    out = capsys.readouterr().out
    assert [char for char in out.removesuffix("\n") if not char.isprintable()] == []
    assert "\u00e9\U0001f600" in out
    assert json.loads(out) == {"field": value}
