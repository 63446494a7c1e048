from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.client.material import LOG
from tests.processes import ROOT, TLOG, environment
from tlog import __version__
from tlog.cli.main import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(tlog: Command, command: str) -> None:
    for flag in ("-h", "--help"):
        text = tlog(command, flag).out
        assert f"Usage: tlog {command}" in text
    if command not in {"token", "key"}:
        assert f"  tlog {command}" in text.split("Example", 1)[1]
        assert "--json" in text


@pytest.mark.parametrize("group", [(), ("token",), ("key",), ("retention",), ("act",)])
@pytest.mark.parametrize("columns", ["80", "100"])
def test_no_summary_is_cut(
    tlog: Command, monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = tlog(*group, "--help").out
    listed = text.split("Commands:")[1].split("Exit codes")[0].split("Examples:")[0].strip().splitlines()
    assert listed
    for line in listed:
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_help_documents_errors_as_json(tlog: Command) -> None:
    assert '{"error": "why", "check": ' in tlog("--help").out


def test_the_list_of_commands_and_the_version(tlog: Command) -> None:
    text = tlog("--help").out
    for command in COMMANDS:
        assert f"\n  {command} " in text
    assert tlog("--version").out == f"tlog {__version__}\n"
    tlog("nothing", code=2)
    tlog(code=2)


def test_keys_are_shown_and_inspected(tlog: Command, log: Path) -> None:
    shown = tlog("key", "show", log, "--json").json
    assert shown["vkeys"] == tlog("key", "show", log).out.split()
    assert shown["origin"] == "example.com/log"
    found = tlog("key", "inspect", shown["vkeys"][1], "--json").json
    assert (found["name"], found["type"]) == ("example.com/log", "COSIGNATURE_ML_DSA_44")
    vkey = LOG.ed25519.vkey.encode()
    assert "key ID" in tlog("key", "inspect", vkey.replace("log.", "lag."), code=1).err


def test_fsck_of_an_empty_log(tlog: Command, log: Path) -> None:
    assert tlog("fsck", log, "--json").json["ok"] is True


def test_a_reader_that_goes_away_is_no_traceback(tlog: Command, log: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec 3>&1; "$@" | true', "sh", *TLOG, "key", "show", str(log)],
        cwd=ROOT,
        env=environment({"PYTHONUNBUFFERED": "0"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr


def test_output_is_utf_8_whatever_the_locale(tlog: Command, tmp_path: Path) -> None:
    name = "tlögger.example"
    tlog("init", tmp_path / "log", "--origin", name)
    for flag in ("--json", ""):
        done = subprocess.run(
            [*TLOG, "key", "show", *filter(None, [flag]), str(tmp_path / "log")],
            cwd=ROOT,
            env=environment({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
            capture_output=True,
            check=True,
            timeout=120,
        )
        assert name.encode() in done.stdout
