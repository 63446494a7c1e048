"""What a backup leaves and deletes: the window of keyring backups, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from tests.audit.test_erasure_record import ACT, EXPIRY, other_mac
from tests.support import make_log
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.service.backup import MadeBackup, Places, Source, back_up
from tlog.service.backup_folder import MANIFEST, UNFINISHED, NewBackup, encode_manifest, read_manifest
from tlog.storage.erasure_records import ErasureRecords

ORIGIN = "example.com/log"
DAY = 86_400_000_000
NOW = 1_800_000_000_000_000


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "log"
    folder.mkdir()
    made = make_log(folder)
    made.close()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    urls = f"sqlite:///{folder}/log.db", f"sqlite:///{folder}/keyring.db"
    return Source(ORIGIN, *urls, {}, folder / "erasures", made.parts.keyring.record_mac)


def run(source: Source, tmp_path: Path, days_ago: float, keep_days: int | None = None) -> MadeBackup:
    now = NOW - int(days_ago * DAY)
    places = Places(tmp_path / "a", tmp_path / "b")
    return back_up(source, places, keep_days, lambda: now, lambda *_: None)


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_only_old_backups_of_this_logs_keyring_are_deleted(source: Source, tmp_path: Path) -> None:
    old, young = run(source, tmp_path, 14.1), run(source, tmp_path, 13.9)
    other = NewBackup(tmp_path / "b", "keyring", "example.com/other", NOW - 99 * DAY)
    other.finish(lambda *_: None)
    entries = NewBackup(tmp_path / "b", "entries", ORIGIN, NOW - 98 * DAY)
    entries.finish(lambda *_: None)
    (tmp_path / "b" / "holiday").mkdir()
    (tmp_path / "b" / "holiday" / "photo").write_bytes(b"")
    (tmp_path / "b" / "link").symlink_to(old.keyring)
    made = run(source, tmp_path, 0, keep_days=14)
    assert made.deleted == (old.keyring,)
    kept = {young.keyring, made.keyring, other.folder, entries.folder}
    assert set(names(tmp_path / "b")) == {path.name for path in kept} | {"holiday", "link"}
    assert len(names(tmp_path / "a")) == 3, "entries are never deleted"


def test_without_keep_days_nothing_is_deleted(source: Source, tmp_path: Path) -> None:
    for days_ago in (5000, 0):
        assert run(source, tmp_path, days_ago).deleted == ()
    assert len(names(tmp_path / "b")) == 2


def test_keys_of_an_unfinished_backup_are_deleted_in_time_too(source: Source, tmp_path: Path) -> None:
    new = NewBackup(tmp_path / "b", "keyring", ORIGIN, NOW - 20 * DAY)
    new.add("keyring.sqlite3", b"half of it")
    with pytest.raises(ConfigurationInvalid, match="never finished"):
        read_manifest(new.folder, "keyring")
    assert run(source, tmp_path, 10, keep_days=14).deleted == ()
    assert run(source, tmp_path, 0, keep_days=14).deleted == (new.folder,)


def test_a_deletion_that_was_cut_off_is_finished_by_the_next(source: Source, tmp_path: Path) -> None:
    old = run(source, tmp_path, 30)
    (old.keyring / "keyring.sqlite3").unlink()
    assert run(source, tmp_path, 0, keep_days=14).deleted == (old.keyring,)


def test_foreign_files_are_left_but_the_keys_beside_them_go(source: Source, tmp_path: Path) -> None:
    old = run(source, tmp_path, 30)
    (old.keyring / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationInvalid, match="no part of a backup"):
        run(source, tmp_path, 0, keep_days=14)
    assert names(old.keyring) == ["notes.txt"]


def test_a_full_disk_is_said_before_anything_is_copied(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 1 << 20))
    with pytest.raises(ConfigurationInvalid, match="has 1 MiB free"):
        run(source, tmp_path, 0)
    assert names(tmp_path / "a") == names(tmp_path / "b") == []


def test_a_database_of_another_log_is_not_backed_up(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="is not that of the log"):
        run(replace(source, origin="example.com/x"), tmp_path, 0)


@pytest.mark.parametrize("crash", range(1, 12))
def test_a_crash_at_any_step_leaves_no_backup_or_a_whole_one(crash: int, source: Source, tmp_path: Path) -> None:
    """The process ends at its nth fsync or rename; whatever has a manifest then can be read whole."""
    child = os.fork()
    if child == 0:
        end_at(crash)
        run(source, tmp_path, 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}
    for kind, place in (("entries", tmp_path / "a"), ("keyring", tmp_path / "b")):
        for folder in place.iterdir():
            if (folder / MANIFEST).exists():
                manifest = read_manifest(folder, kind)  # type: ignore[arg-type]
                assert all((folder / name).stat().st_size == facts.bytes for name, facts in manifest.files.items())
            else:
                with pytest.raises(ConfigurationInvalid):
                    read_manifest(folder, kind)  # type: ignore[arg-type]
    assert run(source, tmp_path, 0).manifest.size == 0


def end_at(step: int) -> None:
    left = [step]
    real = os.fsync

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if not left[0]:
            os._exit(9)
        real(descriptor)

    os.fsync = fsync  # type: ignore[assignment]


def test_a_manifest_is_written_in_one_way_only(source: Source, tmp_path: Path) -> None:
    made = run(source, tmp_path, 0)
    data = (made.entries / MANIFEST).read_bytes()
    assert encode_manifest(made.manifest) == data
    assert not (made.entries / UNFINISHED).exists()
    (made.entries / MANIFEST).write_bytes(data.replace(b'": ', b'":'))
    with pytest.raises(Exception, match="no manifest"):
        read_manifest(made.entries, "entries")
    shutil.rmtree(made.entries)


def test_a_record_that_this_log_did_not_write_is_in_no_backup(source: Source, tmp_path: Path) -> None:
    """A backup with it could not be restored, and would be found out the day it is needed."""
    ErasureRecords(source.erasures, other_mac).write(EXPIRY)
    with pytest.raises(StorageFault, match=ACT):
        run(source, tmp_path, 0)
    (source.erasures / f"{ACT}.json").unlink()
    run(source, tmp_path, 1)
