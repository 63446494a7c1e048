from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.client.material import LOG, WITNESSES
from tlog.cli import new_folder
from tlog.cli.config import Config
from tlog.cli.data_folder import open_folder
from tlog.errors import ConfigurationInvalid
from tlog.formats.policy import encode_policy, parse_policy
from tlog.formats.vkey import parse_vkey
from tlog.storage.database import Database

WITNESS = f"w1={','.join(witness.vkey.encode() for witness in WITNESSES[1:])}@https://w1.example"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_a_folder_that_opens(tlog: Command, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "log"
    made = tlog("init", folder, "--origin", "example.com/log", "--witness", WITNESS, "--json").json
    assert made["origin"] == "example.com/log"
    assert made["witnesses"] == ["w1-1", "w1-2"]
    keys = [parse_vkey(text) for text in made["vkeys"]]
    assert [path.read_text().strip() for path in (folder / "log.vkey", folder / "log-mldsa.vkey")] == made["vkeys"]
    policy = parse_policy((folder / "policy.txt").read_bytes())
    assert [line.vkey for line in policy.logs] == keys
    assert policy.quorum_met([b"w1-1", b"w1-2"])
    assert not policy.quorum_met([b"w1-1"])
    with open_folder(folder) as opened:
        assert list(opened.parts.signer.vkeys) == keys
        assert opened.parts.policy == policy


def test_secrets_are_for_their_owner_only_whatever_the_umask(tlog: Command, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        tlog("init", tmp_path / "log", "--origin", "example.com/log")
    finally:
        os.umask(old)
    folder = tmp_path / "log"
    assert mode(folder) == 0o700
    assert mode(folder / "keys") == 0o700
    private = ["tlog.toml", "log.db", "keyring.db", "keys/kek.key", "keys/ed25519.pem", "keys/ml-dsa-44.pem"]
    assert {name: mode(folder / name) for name in private} == dict.fromkeys(private, 0o600)


def test_init_says_to_change_the_period_and_the_reason_that_nobody_chose(tlog: Command, tmp_path: Path) -> None:
    unchosen = tlog("init", tmp_path / "log", "--origin", "example.com/log").out
    assert "entries are kept 12 months" in unchosen
    assert f"Change both in {tmp_path}/log/tlog.toml ([retention.standard])" in unchosen
    with open_folder(tmp_path / "log") as opened:
        reason = opened.config.retention["standard"].reason
    assert "replace" not in reason, "it goes out to data subjects as it is"
    chosen = tlog("init", tmp_path / "other", "--origin", "example.com/log", "--retention", "standard=6:law X").out
    assert "Change both" not in chosen
    assert "Change both" not in tlog("init", tmp_path / "raw", "--origin", "example.com/log", "--raw-leaves").out


def test_init_says_what_comes_next(tlog: Command, tmp_path: Path) -> None:
    text = tlog("init", tmp_path / "log", "--origin", "example.com/log", "--witness", WITNESS).out
    for part in ("example.com/log+", "tlog-witness add-log", "tlog token add", "tlog serve", "policy.txt"):
        assert part in text


def test_a_log_takes_leaves_of_others_only_where_that_is_asked_for(tlog: Command, tmp_path: Path) -> None:
    for name, options in {"a": [], "b": ["--sealed-by-producers"]}.items():
        tlog("init", tmp_path / name, "--origin", "example.com/log", *options)
        with open_folder(tmp_path / name) as opened:
            assert opened.parts.settings.sealed_by_producers is bool(options)
    both = tlog("init", tmp_path / "c", "--origin", "x.example/y", "--raw-leaves", "--sealed-by-producers", code=2)
    assert "give either" in both.err


def test_a_second_init_changes_nothing(tlog: Command, log: Path) -> None:
    before = {path: path.read_bytes() for path in log.rglob("*") if path.is_file()}
    refused = tlog("init", log, "--origin", "example.com/other", code=1)
    assert "holds a log already; nothing was changed" in refused.err
    assert {path: path.read_bytes() for path in log.rglob("*") if path.is_file()} == before


def test_any_other_folder_is_refused_too(tlog: Command, tmp_path: Path) -> None:
    assert "exists already" in tlog("init", tmp_path, "--origin", "o", code=1).err


def test_a_crash_half_way_leaves_a_folder_that_is_refused_by_all(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "log"
    monkeypatch.setattr(new_folder, "_finish", lambda *_: os._exit(9))
    child = os.fork()
    if child == 0:
        new_folder.make_folder(folder, Config("example.com/log"), parse_policy(b"quorum none\n"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert "did not finish" in tlog("init", folder, "--origin", "example.com/log", code=1).err
    for command in (["serve"], ["token", "list"], ["key", "show"], ["migrate"], ["fsck"]):
        refused = tlog(*command, folder, code=1).err
        assert "no complete data folder" in refused
        assert "remove the folder" in refused


def test_an_error_half_way_leaves_nothing(tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConfigurationInvalid("the disk is full")

    monkeypatch.setattr(new_folder, "_finish", fail)
    assert tlog("init", tmp_path / "log", "--origin", "o", code=1).err == "tlog: the disk is full\n"
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("origin", "says"), [("", "key name"), ("a b", "key name"), ("a+b", "key name"), ("x" * 256, "255"), ("a\x9b", "")]
)
def test_an_origin_that_cannot_sign_is_refused(tlog: Command, tmp_path: Path, origin: str, says: str) -> None:
    refused = tlog("init", tmp_path / "log", "--origin", origin, code=1)
    assert says in refused.err
    assert "\x9b" not in refused.err
    assert not (tmp_path / "log").exists()


def test_witnesses_may_come_from_a_policy_file(tlog: Command, tmp_path: Path) -> None:
    file = tmp_path / "witnesses.txt"
    file.write_text(
        "# ours\n"
        + "".join(f"witness w{i} {w.vkey.encode()} http://w{i}\n" for i, w in enumerate(WITNESSES))
        + "group some any w0 w1 w2\nquorum some\n"
    )
    tlog("init", tmp_path / "log", "--origin", "o.example", "--policy", file)
    written = parse_policy((tmp_path / "log" / "policy.txt").read_bytes())
    given = parse_policy(file.read_bytes())
    assert (written.witnesses, written.groups, written.quorum) == (given.witnesses, given.groups, given.quorum)
    assert len(written.logs) == 2


def test_a_policy_file_with_log_lines_is_refused(tlog: Command, tmp_path: Path) -> None:
    file = tmp_path / "policy.txt"
    file.write_bytes(b"log %b\nquorum none\n" % LOG.ed25519.vkey.encode().encode())
    refused = tlog("init", tmp_path / "log", "--origin", "o.example", "--policy", file, code=1)
    assert "has log lines" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [["--policy", "p", "--quorum", "1"], ["--quorum", "0"], ["--unknown"], ["--policy", "p", "--witness", WITNESS]],
)
def test_wrong_usage_is_2(tlog: Command, tmp_path: Path, arguments: list[str]) -> None:
    tlog("init", tmp_path / "log", "--origin", "o", *arguments, code=2)
    tlog("init", tmp_path / "log", code=2)
    assert not (tmp_path / "log").exists()


def test_one_database_for_both_is_refused(tlog: Command, tmp_path: Path) -> None:
    url = "postgresql+psycopg://localhost/tlog"
    refused = tlog("init", tmp_path / "log", "--origin", "o", "--database-url", url, "--keyring-url", url, code=1)
    assert "a database of its own" in refused.err


@pytest.mark.postgres
def test_both_databases_may_be_on_postgresql(tlog: Command, tmp_path: Path, postgres_socket: Path) -> None:
    from tests.postgres import new_database  # noqa: PLC0415 - its binaries may be missing

    urls = ["--database-url", new_database(postgres_socket), "--keyring-url", new_database(postgres_socket)]
    tlog("init", tmp_path / "log", "--origin", "example.com/log", *urls)
    assert not (tmp_path / "log" / "log.db").exists()
    with open_folder(tmp_path / "log") as opened:
        assert not opened.parts.database.is_sqlite
    refused = tlog("init", tmp_path / "second", "--origin", "example.com/log", *urls, code=1)
    assert "holds a log already" in refused.err
    assert not (tmp_path / "second").exists()


def test_a_missing_database_is_never_made_by_a_service(tlog: Command, log: Path) -> None:
    for name in ("log.db", "keyring.db"):
        (log / name).rename(log / f"{name}.away")
        refused = tlog("serve", log, "--port", "0", code=1)
        assert f"{name} is missing" in refused.err
        assert not (log / name).exists()
        (log / f"{name}.away").rename(log / name)


def test_a_database_of_another_log_is_refused(tlog: Command, log: Path, tmp_path: Path) -> None:
    tlog("init", tmp_path / "other", "--origin", "example.com/other")
    (tmp_path / "other" / "log.db").rename(log / "log.db")
    assert "the database is of the log example.com/other" in tlog("serve", log, code=1).err


def test_keys_of_another_log_are_refused(tlog: Command, log: Path, tmp_path: Path) -> None:
    tlog("init", tmp_path / "other", "--origin", "example.com/log")
    (tmp_path / "other" / "keys" / "ed25519.pem").rename(log / "keys" / "ed25519.pem")
    assert "log.vkey is not the public key of the private key" in tlog("serve", log, code=1).err


def test_a_policy_without_this_log_is_refused(tlog: Command, log: Path) -> None:
    policy = parse_policy((log / "policy.txt").read_bytes())
    (log / "policy.txt").write_bytes(encode_policy(type(policy)(policy.logs[:1], ())))
    assert "does not list this log's key" in tlog("serve", log, code=1).err


@pytest.mark.parametrize("path", [".", "tlog.toml", "keys/kek.key", "keys/ed25519.pem"])
def test_what_others_may_read_is_refused(tlog: Command, log: Path, path: str) -> None:
    (log / path).chmod(mode(log / path) | 0o040)
    refused = tlog("serve", log, "--port", "0", code=1)
    assert "open to others" in refused.err
    assert "chmod" in refused.err


def test_an_old_schema_is_refused_until_migrated(tlog: Command, log: Path) -> None:
    database = Database(f"sqlite:///{log}/keyring.db")
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        for table in ("keyring_secrets", "cohort_keys", "person_keys"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    database.close()
    assert "run 'tlog migrate'" in tlog("serve", log, code=1).err
    assert tlog("migrate", log, "--json").json["current"] is True
    tlog("migrate", log)
    # The tables are there again, but a keyring that lost its secret is not made up for.
    assert "the keyring is empty" in tlog("serve", log, code=1).err
