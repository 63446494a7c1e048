"""`tlog restore`: what comes back is what was backed up, or nothing; and never what was erased since."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_backup import back_up, fill
from tlog.cli import restore as command
from tlog.cli.data_folder import open_folder
from tlog.errors import StorageFault
from tlog.keys.secret_file import create_secret_file
from tlog.service.backup_folder import Kind, read_manifest
from tlog.service.log import Log
from tlog.storage.expiry_pause import PAUSE_FILE, ExpiryPause

KINDS: tuple[Kind, Kind] = ("entries", "keyring")


@pytest.fixture
def made(tlog: Command, log: Path) -> tuple[Path, Path]:
    """The two folders of a backup of 300 entries."""
    fill(log, 300)
    return back_up(tlog, log)


def arguments(log: Path, made: tuple[Path, Path], to: Path) -> list[object]:
    return ["restore", "--entries", made[0], "--keyring", made[1], "--keys", log / "keys", "--to", to]


def files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_restored_log_is_the_log(tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path) -> None:
    to = tmp_path / "restored"
    records = ("--erasures", log / "erasures", "--no-later-erasures")
    said = tlog(*arguments(log, made, to), *records, "--json").json
    assert (said["size"], said["erasure_records"], said["keys_may_be_missing"]) == (
        301,
        0,
        False,
    )
    assert 0 <= said["age_seconds"] < 600
    assert stat.S_IMODE(to.stat().st_mode) == 0o700
    report = tlog("fsck", to, "--json").json
    assert (report["ok"], report["entries_opened"], report["size"]) == (True, 301, 301)
    tiles = {path.relative_to(log): path.read_bytes() for path in files(log / "tiles") if ".p" not in str(path)}
    assert tiles == {name: (to / name).read_bytes() for name in tiles}, "the same tree"
    fill(to, 5)
    assert tlog("fsck", to, "--json").json["size"] == 306
    assert not (to / "restore.unfinished").exists()


def test_what_the_lost_log_had_not_logged_yet_comes_along(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.rmtree(log / "notes", ignore_errors=True)
    without = tlog(*arguments(log, made, tmp_path / "without"), "--no-later-erasures")
    assert "No notes came along" in without.out
    tlog("token", "add", log, "--auditor", "jane")
    [note] = (log / "notes").iterdir()
    create_secret_file(log / "notes" / "broken.json", b"{}")
    (log / "notes" / "broken.json").chmod(0o644)
    for number, place in enumerate((log, log / "erasures")):
        to = tmp_path / f"with-{number}"
        restored = tlog(*arguments(log, made, to), "--erasures", place, "--no-later-erasures")
        assert "1 note of the lost folder came along" in restored.out
        assert "a note was not copied" in restored.err
        assert [path.name for path in (to / "notes").iterdir()] == [note.name]
        assert (to / "notes" / note.name).read_bytes() == note.read_bytes()
        assert stat.S_IMODE((to / "notes" / note.name).stat().st_mode) == 0o600


def test_a_restored_log_expires_nothing_by_itself(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    """Though no record is missing in it: the holds that were placed since are in no record."""
    to = tmp_path / "r"
    restored = tlog(*arguments(log, made, to), "--no-later-erasures")
    assert "'tlog retention run'" in restored.out
    pause = ExpiryPause(to / PAUSE_FILE).read()
    assert pause is not None
    assert read_manifest(made[0], "entries").made_at in pause.reason
    assert stat.S_IMODE((to / PAUSE_FILE).stat().st_mode) == 0o600


def test_every_changed_byte_is_refused_by_its_file(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    to = tmp_path / "restored"
    for path in files(*made):
        data = path.read_bytes()
        for place in (0, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            refused = tlog(*arguments(log, made, to), "--no-later-erasures", code=1).err
            assert str(path) in refused.replace("\n", ""), refused
            assert not to.exists()
        path.write_bytes(data)
    for path in files(*made):
        path.rename(path.with_suffix(".away"))
        assert str(path.parent) in tlog(*arguments(log, made, to), "--no-later-erasures", code=1).err
        path.with_suffix(".away").rename(path)
    tlog(*arguments(log, made, to), "--no-later-erasures")


def test_every_byte_of_a_manifest_counts(made: tuple[Path, Path]) -> None:
    for folder, kind in zip(made, KINDS, strict=True):
        path = folder / "manifest.json"
        data = path.read_bytes()
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(StorageFault, match="manifest"):
                read_manifest(folder, kind)
        path.write_bytes(data)
        read_manifest(folder, kind)


def test_it_must_be_said_what_was_erased_since(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    given = arguments(log, made, tmp_path / "r")
    tlog(*given, code=2)
    assert "no record that the backup itself lacks" in tlog(*given, "--erasures", log, code=1).err
    assert "no such folder" in tlog(*given, "--erasures", tmp_path / "nowhere", code=1).err
    (log / "erasures" / "01900000-0000-7000-8000-000000000000.json").write_bytes(b"{}\n")
    assert "not an erasure record" in tlog(*given, "--erasures", log / "erasures", code=1).err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("given", ["folder", "records", "link", "copy", "both"])
def test_the_records_of_the_backup_itself_do_not_say_what_was_erased_since(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path, given: str
) -> None:
    own = made[0] / "erasures"
    (tmp_path / "link").symlink_to(own)
    shutil.copytree(own, tmp_path / "copy")
    place = {"folder": made[0], "link": tmp_path / "link", "copy": tmp_path / "copy"}.get(given, own)
    more = ["--no-later-erasures"] if given == "both" else []
    refused = tlog(*arguments(log, made, tmp_path / "r"), "--erasures", place, *more, code=1).err
    assert ("no record that" if given == "copy" else "is within the backup") in refused
    assert "of the data folder that was lost" in refused
    assert "add --no-later-erasures" in refused
    assert not (tmp_path / "r").exists()


def test_entries_and_keyring_of_two_logs_are_refused(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    tlog("init", tmp_path / "other" / "log", "--origin", "example.com/other")
    _, keyring = back_up(tlog, tmp_path / "other" / "log")
    refused = tlog(*arguments(log, (made[0], keyring), tmp_path / "r"), "--no-later-erasures", code=1).err
    assert "do not belong together" in refused
    swapped = tlog(*arguments(log, (made[1], made[0]), tmp_path / "r"), "--no-later-erasures", code=1).err
    assert "is a backup of the keyring, not of the entries" in swapped


def test_a_keyring_older_than_the_entries_is_said(tlog: Command, log: Path, made: tuple[Path, Path]) -> None:
    fill(log, 1, subjects=[{"id": "somebody-new"}])
    later, _ = back_up(tlog, log)
    to = log.parent / "restored"
    restored = tlog(*arguments(log, (later, made[1]), to), "--no-later-erasures", "--json")
    assert restored.json["keys_may_be_missing"] is True
    assert "older than that of the entries" in restored.err


def test_the_wrong_keys_are_refused_and_nothing_is_left(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    tlog("init", tmp_path / "other", "--origin", "example.com/log")
    given = arguments(tmp_path / "other", made, tmp_path / "r")
    assert "is not the public key" in tlog(*given, "--no-later-erasures", code=1).err
    for name in ("ed25519.pem", "ml-dsa-44.pem"):
        shutil.copy(log / "keys" / name, tmp_path / "other" / "keys" / name)
    tlog(*given, "--no-later-erasures", code=1)
    assert not (tmp_path / "r").exists()
    (tmp_path / "empty").mkdir()
    given[given.index("--keys") + 1] = tmp_path / "empty"
    assert "there are no keys" in tlog(*given, "--no-later-erasures", code=1).err


def test_replaced_signing_keys_come_back_too(
    tlog: Command, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlog.cli.rotate_signing._require_signed", lambda *_: None)
    fill(log, 3)
    tlog("key", "rotate", "signing", log)
    tlog("key", "rotate", "signing", log, "--finish")
    tlog("key", "rotate", "signing", log)
    made = back_up(tlog, log)
    tlog(*arguments(log, made, tmp_path / "r"), "--no-later-erasures")
    assert [path.relative_to(log) for path in files(log / "keys")] == [
        path.relative_to(tmp_path / "r") for path in files(tmp_path / "r" / "keys")
    ]
    assert tlog("fsck", tmp_path / "r", "--json").json["ok"] is True, "its first checkpoint is signed by the old keys"
    assert tlog("key", "show", tmp_path / "r").out == tlog("key", "show", log).out


def test_a_folder_that_is_there_is_never_touched(tlog: Command, log: Path, made: tuple[Path, Path]) -> None:
    before = {path: path.read_bytes() for path in files(log)}
    assert "exists already" in tlog(*arguments(log, made, log), "--no-later-erasures", code=1).err
    assert {path: path.read_bytes() for path in files(log)} == before


def test_an_error_half_way_leaves_nothing(
    tlog: Command, log: Path, made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageFault("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(command, "forget_again", fail)
        assert "the disk is full" in tlog(*arguments(log, made, tmp_path / "r"), "--no-later-erasures", code=1).err
    assert not (tmp_path / "r").exists()
    tlog(*arguments(log, made, tmp_path / "r"), "--no-later-erasures")


@pytest.mark.postgres
def test_a_log_on_postgresql_comes_back(tlog: Command, tmp_path: Path, postgres_socket: Path) -> None:
    from tests.postgres import new_database  # noqa: PLC0415 - its binaries may be missing

    def urls() -> list[str]:
        return ["--database-url", new_database(postgres_socket), "--keyring-url", new_database(postgres_socket)]

    log, to, first = tmp_path / "log", tmp_path / "r", urls()
    tlog("init", log, "--origin", "example.com/log", *first)
    fill(log, 300)
    made = back_up(tlog, log)
    assert (made[0] / "log.pgdump").exists()
    given = [*arguments(log, made, to), "--no-later-erasures"]
    assert "give --database-url" in tlog(*given, code=1).err
    assert "is not empty" in tlog(*given, *first, code=1).err
    assert not to.exists()
    tlog(*given, *urls())
    report = tlog("fsck", to, "--json").json
    assert (report["ok"], report["entries_opened"]) == (True, 301)
    with open_folder(to) as opened:
        assert not opened.parts.database.is_sqlite
        Log(opened.parts)
    fill(to, 3)
