"""`tlog-witness` as a person or script meets it: output, exit codes, and the reasons it gives."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import WITNESS
from tests.processes import run as run_process
from tests.witness.log_simulator import LogSimulator
from tlog import __version__
from tlog.formats.vkey import parse_vkey
from witness.cli import _time, main
from witness.directory import LOCK_FILE, exclusive
from witness.keys import ED25519_FILE

NAME = "witness.example/w1"

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tlog-witness", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return code or 0, *capsys.readouterr()

    return run


def shown(cli: Cli, *arguments: object) -> dict[str, Any]:
    code, out, err = cli(*arguments, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture
def directory(tmp_path: Path, cli: Cli) -> Path:
    assert cli("init", tmp_path / "w", "--name", NAME)[0] == 0
    return tmp_path / "w"


def test_a_witness_from_init_to_status(cli: Cli, tmp_path: Path) -> None:
    directory, log = tmp_path / "w", LogSimulator.make()
    made = shown(cli, "init", directory, "--name", NAME)
    assert made["name"] == NAME
    assert (directory / "vkeys").read_text().splitlines() == made["vkeys"]
    assert [parse_vkey(vkey).name for vkey in made["vkeys"]] == [NAME, NAME]
    (tmp_path / "first").write_bytes(log.note(5).encode())
    keys = (log.ed25519.vkey.encode(), "--vkey", log.ml_dsa_44.vkey.encode())
    pinned = ("--first-checkpoint", tmp_path / "first", "--requests-per-day", 9)
    assert shown(cli, "add-log", directory, *keys, *pinned)["origin"] == log.origin
    status = shown(cli, "status", directory)
    assert (status["name"], status["vkeys"], status["last_timestamp"]) == (NAME, made["vkeys"], 0)
    [known] = status["logs"]
    assert (known["origin"], known["size"], known["timestamp"], known["requests_per_day"]) == (log.origin, 5, 0, 9)
    assert log.origin in cli("status", directory)[1]


def test_origin_may_differ_from_the_key_name(cli: Cli, directory: Path) -> None:
    vkey = LogSimulator.make("key.example").ed25519.vkey.encode()
    assert shown(cli, "add-log", directory, vkey, "--origin", "log.example")["origin"] == "log.example"


def test_update_replaces_the_keys(cli: Cli, directory: Path) -> None:
    old, new = (LogSimulator.make().ed25519.vkey.encode() for _ in range(2))
    shown(cli, "add-log", directory, old)
    assert cli("add-log", directory, new)[0] == 1
    assert shown(cli, "add-log", directory, new, "--update")["updated"] is True
    assert shown(cli, "status", directory)["logs"][0]["vkeys"] == [new]


def test_refusals_are_one_line_and_exit_1(cli: Cli, directory: Path, tmp_path: Path) -> None:
    vkey = LogSimulator.make().ed25519.vkey.encode()
    own = (directory / "vkeys").read_text().splitlines()[1]
    weak = "log.example+00000000+" + b64encode(b"\1" + b"\1" + bytes(31)).decode()  # the neutral element
    cases = [
        (("init", directory, "--name", NAME), "already exists"),
        (("init", tmp_path / "x", "--name", "two words"), "name"),
        (("add-log", directory, "no vkey"), "vkey"),
        (("add-log", directory, weak), "order"),
        (("add-log", directory, own), "own key"),
        (("add-log", tmp_path / "none", vkey), "vkeys"),
        (("add-log", directory, vkey, "--first-checkpoint", tmp_path / "none"), "cannot read"),
        (("add-log", directory, vkey, "--update"), "not known"),
        (("serve", tmp_path / "none"), "vkeys"),
        (("serve", directory, "--port", 0, "--tls-cert", tmp_path / "none"), "TLS"),
        (("status", tmp_path / "none"), "vkeys"),
    ]
    for arguments, reason in cases:
        code, out, said = cli(*arguments)
        assert (code, out, said.count("\n")) == (1, "", 1)
        assert said.startswith("tlog-witness: ")
        assert reason in said


@pytest.mark.parametrize("name", ["two words", "", "a+b", "x" * 256, "\udcff"], ids=ascii)
def test_a_name_that_no_witness_can_have_leaves_no_folder(cli: Cli, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "new" / "w"
    code, _, said = cli("init", directory, "--name", name)
    assert (code, "name" in said) == (1, True)
    assert not directory.parent.exists()
    assert cli("init", directory, "--name", NAME)[0] == 0


def test_wrong_usage_exits_2(cli: Cli, directory: Path) -> None:
    pinned_update = (
        "add-log",
        directory,
        LogSimulator.make().ed25519.vkey.encode(),
        "--update",
        "--first-checkpoint",
        "x",
    )
    for arguments in [("init", directory), ("nonsense",), ("serve", directory, "--port", "many"), pinned_update]:
        assert cli(*arguments)[0] == 2


def test_serve_refuses_and_says_why(cli: Cli, directory: Path) -> None:
    database = directory / "witness.sqlite3"
    kept = database.read_bytes()
    database.unlink()
    assert "missing" in cli("serve", directory, "--port", 0)[2]
    assert not database.exists()
    database.write_bytes(kept)
    (directory / ED25519_FILE).chmod(0o644)
    code, _, said = cli("serve", directory, "--port", 0)
    assert (code, "chmod 600" in said) == (1, True)


def test_a_folder_in_use_is_not_served_or_migrated_again(cli: Cli, directory: Path) -> None:
    """Beside a running witness `add-log` and `status` work; a second `serve` is an accident and says so."""
    with exclusive(directory):
        for arguments in [("serve", directory, "--port", 0), ("migrate", directory)]:
            code, out, said = cli(*arguments)
            assert (code, out, said.count("\n")) == (1, "", 1)
            assert "is in use" in said
        assert cli("add-log", directory, LogSimulator.make().ed25519.vkey.encode())[0] == 0
        assert cli("status", directory)[0] == 0
    assert cli("migrate", directory)[0] == 0
    assert (directory / LOCK_FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_of_no_witness_gets_no_lock_file(cli: Cli, tmp_path: Path) -> None:
    for command in ("serve", "migrate"):
        assert cli(command, tmp_path)[0] == 1
    assert list(tmp_path.iterdir()) == []


def test_migrate_leaves_a_current_database_alone(cli: Cli, directory: Path) -> None:
    assert cli("migrate", directory)[0] == 0
    assert cli("status", directory)[0] == 0


COMMANDS = ("init", "add-log", "serve", "status", "migrate")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(cli: Cli, command: str) -> None:
    for flag in ("-h", "--help"):
        code, text, _ = cli(command, flag)
        assert code == 0
        assert f"Usage: tlog-witness {command}" in text
        assert f"  tlog-witness {command} ./w1" in text.split("Examples:", 1)[1]
        assert "Exit codes: 0 done" in text
        assert "--json" in text
        assert not set(text) & set("╭│╰")


def test_the_list_of_commands_and_the_version(cli: Cli) -> None:
    for flag in ("-h", "--help"):
        text = cli(flag)[1]
        assert all(f"\n  {command} " in text for command in COMMANDS)
        assert "Exit codes: 0 done" in text
    assert cli("--version") == (0, f"tlog-witness {__version__}\n", "")


def test_one_log_and_two_logs(cli: Cli, directory: Path) -> None:
    for said in ("1 log,", "2 logs,"):
        shown(cli, "add-log", directory, LogSimulator.make(f"log.example/{said[0]}").ed25519.vkey.encode())
        assert f"{NAME}: {said} last cosigned never" in cli("status", directory)[1]


def test_an_origin_cannot_drive_the_terminal(cli: Cli, directory: Path) -> None:
    vkey = LogSimulator.make().ed25519.vkey.encode()
    added = cli("add-log", directory, vkey, "--origin", "log\x1b[2J")
    assert "\x1b" not in added[1] + added[2] + cli("status", directory)[1]


@pytest.mark.processes
def test_runs_as_a_module() -> None:
    assert "serve" in run_process([*WITNESS, "--help"])


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [(0, "never"), (1, "1970-01-01T00:00:01Z"), (1 << 40, str(1 << 40)), ((1 << 63) - 1, str((1 << 63) - 1))],
)
def test_status_shows_any_time(timestamp: int, text: str) -> None:
    assert _time(timestamp) == text
