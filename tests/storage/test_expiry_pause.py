from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tlog.errors import StorageFault
from tlog.storage.expiry_pause import PAUSE_FILE, ExpiryPause, Pause

THEN, LATER = "2026-03-01T00:00:00.000000Z", "2026-03-02T00:00:00.000000Z"


@pytest.fixture
def pause(tmp_path: Path) -> ExpiryPause:
    return ExpiryPause(tmp_path / PAUSE_FILE)


def test_it_is_there_until_it_is_lifted_and_for_the_owner_only(pause: ExpiryPause, tmp_path: Path) -> None:
    assert pause.read() is None
    pause.begin(THEN, "a restore")
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ExpiryPause(path).read() == Pause(THEN, "a restore")
    pause.lift(THEN)
    assert (pause.read(), list(tmp_path.iterdir())) == (None, [])
    pause.lift(THEN)


def test_who_lifts_one_does_not_lift_the_next(pause: ExpiryPause) -> None:
    pause.begin(THEN, "a restore")
    pause.begin(LATER, "another")
    pause.lift(THEN)
    assert pause.read() == Pause(LATER, "another")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"since":1,"reason":"x"}', b"\xff", b"stop"])
def test_whatever_stands_in_the_file_it_pauses_and_can_be_lifted(pause: ExpiryPause, content: bytes) -> None:
    pause.path.write_bytes(content)
    found = pause.read()
    assert found is not None
    assert PAUSE_FILE in found.reason
    pause.lift(THEN)
    assert pause.read() == found
    pause.lift(found.since)
    assert pause.read() is None


def test_what_can_not_be_read_pauses(pause: ExpiryPause) -> None:
    pause.path.mkdir()
    assert pause.read() is not None
    with pytest.raises(StorageFault, match="can't be removed"):
        pause.lift("")


def test_a_crash_while_it_is_written_leaves_the_one_before(pause: ExpiryPause, tmp_path: Path) -> None:
    pause.begin(THEN, "a restore")
    (tmp_path / f"{PAUSE_FILE}.new").write_bytes(b'{"si')
    assert pause.read() == Pause(THEN, "a restore")
    pause.begin(LATER, "another")
    assert pause.read() == Pause(LATER, "another")


def test_a_pause_that_can_not_be_written_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="can't be written"):
        ExpiryPause(tmp_path / "gone" / PAUSE_FILE).begin(THEN, "a restore")
