"""Changing the KEK and the key of the person hashes, each on a folder that real processes served before and after."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac
import pytest

from tests.chaos.erasures import (
    NAME,
    SUBJECT,
    body_of,
    documents,
    dpo_token,
    erase,
    found_in,
    secrets_of,
)
from tests.cli.command import Command
from tests.interop.served_log import request
from tests.keys import moto, openbao
from tests.processes import Program, running
from tests.town import SOURCE, log_command
from tlog.cli.config import Config, encode_config
from tlog.cli.data_folder import DataFolder, open_folder, open_log_database, read_config
from tlog.errors import DecryptionFailed
from tlog.keys.kek_settings import open_kek
from tlog.keys.keyring import Keyring
from tlog.keys.secret_file import create_secret_file
from tlog.service.log_parts import now_us
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

ENTRIES = 9
WRAPPED = (
    "SELECT wrapped FROM person_keys UNION ALL SELECT wrapped FROM cohort_keys UNION ALL "
    "SELECT wrapped FROM keyring_secrets"
)


@dataclass
class Kek:
    """A KEK outside the folder, as its `--kek` options name it, and what its operator does to it."""

    options: tuple[str, ...] = ()
    renew: Callable[[], None] = lambda: None
    """Make a new one, where `tlog key rotate kek` does not."""
    refused: str | None = None
    """What `--destroy-old` says where it can't destroy."""
    arguments: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = tuple(word for option in self.options for word in ("--kek", option))


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kek]:
    home = tmp_path_factory.mktemp("home")
    with openbao.serving(home) as url:
        create_secret_file(home / "token", openbao.TOKEN.encode())
        client = hvac.Client(url=url, token=openbao.TOKEN)
        client.secrets.transit.create_key("tlog")
        client.adapter.close()
        yield Kek(("provider=vault", f"url={url}", "key=tlog", f"token_file={home / 'token'}"))


@pytest.fixture(scope="module")
def kms() -> Iterator[Kek]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in moto.CREDENTIALS.items():
            patch.setenv(name, value)
        with moto.serving() as url, moto.client(url) as client:
            client.create_alias(AliasName="alias/tlog", TargetKeyId=moto.new_key(url))

            def renew() -> None:
                client.update_alias(AliasName="alias/tlog", TargetKeyId=moto.new_key(url))

            options = ("provider=aws-kms", "key=alias/tlog", f"region={moto.REGION}", f"endpoint={url}")
            yield Kek(options, renew, "schedule the deletion of the old KMS key")


@pytest.fixture(params=["file", pytest.param("vault", marks=pytest.mark.xdist_group("openbao")), "kms"])
def kek(request: pytest.FixtureRequest) -> Kek:
    """One of each provider; a server lasts as long as the module, its key is used by one test."""
    if request.param == "file":
        return Kek(("provider=file",))
    found: Kek = request.getfixturevalue(request.param)
    return found


def used_log(tlog: Command, folder: Path, *options: str) -> str:
    """Make a log, have a process serve it, append, and stop it. Returns a data protection officer's token."""
    tlog("init", folder, "--origin", "example.com/log", *options)
    with open_log_database(folder) as database:
        token = TokenStore(database, now_us).issue(token_for(Role.WRITER, SOURCE))[1]
    with served(folder) as program:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        status, answer = request("POST", f"{program.url}/v1/entries", body_of(documents(ENTRIES)), headers)
        assert status == 201, answer
    return dpo_token(folder)


@contextmanager
def served(folder: Path) -> Iterator[Program]:
    """Serve a folder for the length of a block, and stop it in good order."""
    with running(log_command(folder)) as program:
        yield program
        assert program.stop() == 0


def ask(program: Program, path: str, token: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    status, answer = request("GET" if body is None else "POST", program.url + path, data, headers)
    assert status == 200, answer
    said: dict[str, Any] = json.loads(answer)
    return said


def found(program: Program, token: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = ask(program, "/v1/entries/search", token, filters)["entries"]
    return entries


def require_logged(program: Program, folder: Path, token: str, *expected: dict[str, Any]) -> None:
    """Wait until every note of a rotation is logged and gone; the entries are these, the newest first."""
    deadline = time.monotonic() + 30
    while list((folder / "rotations").iterdir()):
        assert time.monotonic() < deadline, f"not logged: {program.stderr()[-2000:]}"
        time.sleep(0.05)
    entries = found(program, token, {"action": "tlog.key.rotate"})
    assert [entry["entry"]["details"] for entry in entries] == list(expected)
    assert all(entry["entry"]["actor"] == {"type": "service", "id": "tlog"} for entry in entries)


def require_as_before(program: Program, token: str) -> None:
    """Old entries open, and the person is found."""
    entries = found(program, token, {"subject": SUBJECT})
    last = entries[0]["index"]
    assert [entry["index"] for entry in entries] == list(range(last, last - ENTRIES, -1))
    assert ask(program, f"/v1/entries/{last}", token)["entry"]["subjects"][0]["data"]["name"] == NAME


def require_erased(program: Program, folder: Path, token: str) -> None:
    """Erase the person: every trace goes, as on a log whose keys were never changed."""
    secrets = secrets_of(folder)
    assert found_in(folder, secrets), "nothing to look for"
    done = erase(program.url, token)
    assert done is not None
    assert (done["status"], done["entries"]) == ("done", ENTRIES)
    assert found(program, token, {"subject": SUBJECT}) == []
    assert found_in(folder, secrets) == []


def column(folder: Path, query: str) -> list[bytes]:
    with closing(sqlite3.connect(folder / "keyring.db")) as keyring:
        return [bytes(value) for (value,) in keyring.execute(query) if value]


def logged(said: dict[str, Any]) -> dict[str, Any]:
    """Return what the log's entry says of a new KEK, after what the command printed: no names of keys."""
    return {"key": "kek", "provider": said["provider"], "rewrapped": said["rewrapped"]}


@contextmanager
def another_connection(folder: Path) -> Iterator[None]:
    """Hold the keyring open, as a backup beside the command does: SQLite empties its write-ahead log only once the
    last connection is closed, so what the command itself did not clean stays."""
    with closing(sqlite3.connect(folder / "keyring.db")) as keyring:
        assert keyring.execute("SELECT count(*) FROM person_keys").fetchone() > (0,)
        yield


def on_disk(folder: Path) -> bytes:
    """Every byte of the keyring's files: the database, its write-ahead log and that one's index."""
    files = sorted(folder.glob("keyring.db*"))
    assert len(files) == 3, files
    return b"".join(path.read_bytes() for path in files)


def rotate(tlog: Command, folder: Path, name: str, query: str) -> dict[str, Any]:
    """Change a key, and require that nothing of what it replaced is in any byte of the keyring's files."""
    old = column(folder, query)
    with another_connection(folder):
        assert all(value in on_disk(folder) for value in old)
        said = tlog("key", "rotate", name, folder, "--json").json
        left = on_disk(folder)
        assert [value for value in old if value in left] == []
    assert len(column(folder, query)) == len(old)
    return said


def test_after_a_new_kek_everything_is_as_before(tlog: Command, tmp_path: Path, kek: Kek) -> None:
    folder = tmp_path / "log"
    token = used_log(tlog, folder, *kek.arguments)
    kek.renew()
    said = rotate(tlog, folder, "kek", WRAPPED)
    assert said["rewrapped"] == len(column(folder, WRAPPED))
    expected = logged(said)
    with served(folder) as program:
        require_as_before(program, token)
        require_logged(program, folder, token, expected)
        require_erased(program, folder, token)
    with served(folder) as program:
        require_logged(program, folder, token, expected)
    assert tlog("fsck", folder, "--json").json["ok"] is True


def test_after_destroy_old_a_keyring_of_before_is_unreadable_and_the_log_serves_on(
    tlog: Command, tmp_path: Path, kek: Kek
) -> None:
    folder = tmp_path / "log"
    token = used_log(tlog, folder, *kek.arguments)
    shutil.copy(folder / "keyring.db", tmp_path / "before.db")
    kek.renew()
    said = tlog("key", "rotate", "kek", folder, "--json").json
    open_keyring(folder, tmp_path / "before.db")
    refused = tlog("key", "rotate", "kek", folder, "--destroy-old", "--yes", code=0 if kek.refused is None else 1)
    assert (kek.refused or "") in refused.err
    if kek.refused is None:  # else whoever rules over the KMS key ends it
        with pytest.raises(DecryptionFailed):
            open_keyring(folder, tmp_path / "before.db")
    assert list((folder / "keys").glob("kek-*.key")) == []
    with served(folder) as program:
        require_logged(program, folder, token, logged(said))
        require_as_before(program, token)
        require_erased(program, folder, token)


def open_keyring(folder: Path, database: Path) -> None:
    """Open a copy of the keyring's database with the KEK that the folder has now, and unwrap its keys."""
    copy = Database(f"sqlite:///{database}")
    try:
        provider = open_kek(read_config(DataFolder(folder)).kek, folder, os.urandom)
        ring = Keyring(KeyringStore(copy), provider, os.urandom)
        assert ring.find_person("subject", SUBJECT) is not None
    finally:
        copy.close()


def test_keys_under_an_older_kek_keep_it_from_being_destroyed(tlog: Command, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    used_log(tlog, folder)
    shutil.copy(folder / "keyring.db", tmp_path / "before.db")
    tlog("key", "rotate", "kek", folder)
    shutil.copy(tmp_path / "before.db", folder / "keyring.db")  # as after a restore of an older keyring
    assert (
        "run 'tlog key rotate kek' first" in tlog("key", "rotate", "kek", folder, "--destroy-old", "--yes", code=1).err
    )
    assert len(list((folder / "keys").glob("kek-*.key"))) == 1
    assert tlog("key", "rotate", "kek", folder, "--json").json["rewrapped"] == len(column(folder, WRAPPED))
    assert tlog("key", "rotate", "kek", folder, "--destroy-old", "--yes", "--json").json["destroyed"] == 1


def test_after_a_new_person_hash_everybody_is_found_and_erased_as_before(tlog: Command, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    token = used_log(tlog, folder)
    hashes = "SELECT person_hash FROM person_keys"
    said = rotate(tlog, folder, "person-hash", hashes)
    assert said == {"rehashed": len(column(folder, hashes))}
    with served(folder) as program:
        require_as_before(program, token)
        require_logged(program, folder, token, {"key": "person-hash", **said})
        require_erased(program, folder, token)
    assert tlog("fsck", folder, "--json").json["ok"] is True


def test_each_rotation_is_logged_the_newest_last(tlog: Command, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    token = used_log(tlog, folder)
    first = tlog("key", "rotate", "kek", folder, "--json").json
    second = tlog("key", "rotate", "person-hash", folder, "--json").json
    with served(folder) as program:
        require_logged(program, folder, token, {"key": "person-hash", **second}, logged(first))


def test_a_log_that_runs_is_not_touched(tlog: Command, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    used_log(tlog, folder)
    before = column(folder, WRAPPED)
    with served(folder):
        for name in ("kek", "person-hash"):
            assert "is served by another process" in tlog("key", "rotate", name, folder, code=1).err
    assert column(folder, WRAPPED) == before
    assert not (folder / "rotations").exists()


def test_kms_wants_a_new_key_first(tlog: Command, tmp_path: Path, kms: Kek) -> None:
    folder = tmp_path / "log"
    tlog("init", folder, "--origin", "example.com/log", *kms.arguments)
    assert "point kek.key (or the alias it names) at a new key" in tlog("key", "rotate", "kek", folder, code=1).err
    assert not (folder / "rotations").exists()


def test_init_writes_the_kek_and_a_remote_one_leaves_no_file(tlog: Command, tmp_path: Path, kek: Kek) -> None:
    folder = tmp_path / "log"
    tlog("init", folder, "--origin", "example.com/log", *kek.arguments)
    given = dict(option.split("=", 1) for option in kek.options)
    said = read_config(DataFolder(folder)).kek
    assert {name: getattr(said, name) for name in given} == given
    assert (folder / "keys/kek.key").exists() == (given["provider"] == "file")
    with open_folder(folder) as opened:
        assert encode_config(opened.config) == (folder / "tlog.toml").read_text()
        assert isinstance(opened.config, Config)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("provider",), 2, "NAME=VALUE"),
        (("=vault",), 2, "NAME=VALUE"),
        (("provider=",), 2, "NAME=VALUE"),
        (("colour=red",), 2, "unknown: colour"),
        (("provider=paper",), 2, "Invalid enum value"),
        (("provider=file", "provider=vault"), 2, "given twice"),
        (("provider=vault",), 1, "needs key, url"),
        (("provider=file", "key=tlog"), 1, "takes no key"),
    ],
)
def test_a_kek_that_cannot_be_meant_makes_nothing(
    tlog: Command, tmp_path: Path, options: tuple[str, ...], code: int, says: str
) -> None:
    arguments = [word for option in options for word in ("--kek", option)]
    refused = tlog("init", tmp_path / "log", "--origin", "example.com/log", *arguments, code=code)
    assert says in " ".join(refused.err.split())
    assert not (tmp_path / "log").exists()
