"""Files with secrets: who may read them, what is refused, and that nothing is ever overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tlog.errors import ConfigurationInvalid
from tlog.keys.secret_file import create_secret_file, read_secret_file

SECRET = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    create_secret_file(path, SECRET)
    return path


def test_a_secret_is_read_back_and_only_its_owner_may(path: Path) -> None:
    assert read_secret_file(path, 32) == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_the_umask_does_not_matter(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        create_secret_file(tmp_path / "key", SECRET)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_it_is_synced_and_so_is_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, int]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append((stat.S_ISDIR(found.st_mode), found.st_size if stat.S_ISREG(found.st_mode) else found.st_ino))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    create_secret_file(tmp_path / "key", SECRET)
    assert synced == [(False, 32), (True, tmp_path.stat().st_ino)]


def test_an_existing_file_is_never_replaced(path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="not overwritten"):
        create_secret_file(path, bytes(32))
    assert read_secret_file(path) == SECRET


def test_a_symbolic_link_is_not_followed_when_writing(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationInvalid):
        create_secret_file(tmp_path / "key", SECRET)
    assert not (tmp_path / "elsewhere").exists()


def test_a_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationInvalid, match="No space left"):
        create_secret_file(tmp_path / "key", SECRET)
    assert not (tmp_path / "key").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="nowhere/key cannot be created"):
        create_secret_file(tmp_path / "nowhere" / "key", SECRET)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o660, 0o644, 0o777])
def test_any_permission_for_group_or_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigurationInvalid, match=f"mode {mode:04o}.*chmod 600"):
        read_secret_file(path)


def test_owner_read_only_is_enough(path: Path) -> None:
    path.chmod(0o400)
    assert read_secret_file(path) == SECRET


def test_another_owner_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(ConfigurationInvalid, match="belongs to user"):
        read_secret_file(path)


def test_links_folders_and_pipes_are_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigurationInvalid, match="symbolic link"):
        read_secret_file(tmp_path / "link")
    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigurationInvalid, match="not a regular file"):
            read_secret_file(other)
    with pytest.raises(ConfigurationInvalid, match="cannot be read: No such file"):
        read_secret_file(tmp_path / "missing")


@pytest.mark.parametrize("size", [0, 31, 33, 70000])
def test_another_length_is_refused(tmp_path: Path, size: int) -> None:
    create_secret_file(tmp_path / "key", b"s" * size)
    with pytest.raises(ConfigurationInvalid) as refusal:
        read_secret_file(tmp_path / "key", 32)
    assert "sss" not in str(refusal.value)
    if size in (0, 70000):
        with pytest.raises(ConfigurationInvalid, match="empty or has more than 65536"):
            read_secret_file(tmp_path / "key")
