from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tlog.storage.durable import sync_file, sync_folder


def test_each_has_the_kernel_write_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    synced: list[tuple[int, bool]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append((found.st_ino, stat.S_ISDIR(found.st_mode)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    sync_file(file)
    sync_folder(tmp_path)
    assert synced == [(file.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_a_file_is_no_folder_and_nothing_stays_open(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(NotADirectoryError):
        sync_folder(file)
    with pytest.raises(FileNotFoundError):
        sync_file(tmp_path / "absent")
    sync_folder(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
