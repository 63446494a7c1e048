"""`tlog-witness` as a person or script meets it: output, exit codes, and the reasons it gives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT, WITNESS, environment, run, run_json
from tests.witness.log_simulator import LogSimulator
from tlog.formats.vkey import parse_vkey
from witness.keys import ED25519_FILE

pytestmark = pytest.mark.processes

NAME = "witness.example/w1"


def witness(*arguments: object) -> list[str]:
    return [*WITNESS, *map(str, arguments)]


def fails(argv: list[str], code: int) -> str:
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, ""), done
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    run(witness("init", tmp_path / "w", "--name", NAME))
    return tmp_path / "w"


def test_a_witness_from_init_to_status(tmp_path: Path) -> None:
    directory, log = tmp_path / "w", LogSimulator.make()
    made = run_json(witness("init", directory, "--name", NAME, "--json"))
    assert made["name"] == NAME
    assert (directory / "vkeys").read_text().splitlines() == made["vkeys"]
    assert [parse_vkey(vkey).name for vkey in made["vkeys"]] == [NAME, NAME]
    first = tmp_path / "first"
    first.write_bytes(log.note(5).encode())
    keys = (log.ed25519.vkey.encode(), "--vkey", log.ml_dsa_44.vkey.encode())
    added = run_json(
        witness("add-log", directory, *keys, "--first-checkpoint", first, "--requests-per-day", 9, "--json")
    )
    assert added["origin"] == log.origin
    status = run_json(witness("status", directory, "--json"))
    assert (status["name"], status["vkeys"], status["last_timestamp"]) == (NAME, made["vkeys"], 0)
    [shown] = status["logs"]
    assert (shown["origin"], shown["size"], shown["timestamp"], shown["requests_per_day"]) == (log.origin, 5, 0, 9)
    assert log.origin in run(witness("status", directory))


def test_origin_may_differ_from_the_key_name(directory: Path) -> None:
    vkey = LogSimulator.make("key.example").ed25519.vkey.encode()
    assert run_json(witness("add-log", directory, vkey, "--origin", "log.example", "--json"))["origin"] == "log.example"


def test_refusals_are_one_line_and_exit_1(directory: Path, tmp_path: Path) -> None:
    vkey = LogSimulator.make().ed25519.vkey.encode()
    own = json.dumps((directory / "vkeys").read_text().splitlines()[1])[1:-1]
    cases = [
        (("init", directory, "--name", NAME), "already exists"),
        (("init", tmp_path / "x", "--name", "two words"), "name"),
        (("add-log", directory, "no vkey"), "vkey"),
        (("add-log", directory, own), "own key"),
        (("add-log", tmp_path / "none", vkey), "vkeys"),
        (("add-log", directory, vkey, "--first-checkpoint", tmp_path / "none"), "cannot read"),
        (("add-log", directory, vkey, "--update"), "not known"),
        (("serve", tmp_path / "none"), "vkeys"),
        (("serve", directory, "--port", 0, "--tls-cert", tmp_path / "none"), "TLS"),
        (("status", tmp_path / "none"), "vkeys"),
    ]
    for arguments, reason in cases:
        said = fails(witness(*arguments), 1)
        assert said.startswith("tlog-witness: ")
        assert reason in said
        assert said.count("\n") == 1


def test_wrong_usage_exits_2(directory: Path) -> None:
    for arguments in [("init", directory), ("nonsense",), ("serve", directory, "--port", "many")]:
        assert fails(witness(*arguments), 2)


def test_serve_refuses_and_says_why(directory: Path) -> None:
    database = directory / "witness.sqlite3"
    kept = database.read_bytes()
    database.unlink()
    assert "missing" in fails(witness("serve", directory, "--port", 0), 1)
    assert not database.exists()
    database.write_bytes(kept)
    (directory / ED25519_FILE).chmod(0o644)
    assert "chmod 600" in fails(witness("serve", directory, "--port", 0), 1)


def test_migrate_leaves_a_current_database_alone(directory: Path) -> None:
    run(witness("migrate", directory))
    run(witness("status", directory))


def test_help_names_every_command() -> None:
    text = run(witness("--help"))
    for command in ("init", "add-log", "serve", "status", "migrate"):
        assert command in text
        assert run(witness(command, "--help"))
