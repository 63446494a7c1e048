"""What the command line administered: logged once, whatever crashes, and no note keeps another one back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.http.own_entries import stored_own
from tests.service.test_erasure import settings
from tests.support import MadeLog, running_log
from tlog.audit.entry import new_entry_id
from tlog.errors import TooLarge
from tlog.http.metrics import Metrics
from tlog.keys.secret_file import create_secret_file
from tlog.service import admin_notes
from tlog.service.admin_notes import ROTATION, AdminNotes
from tlog.service.note_file import MAX_NOTE, leave_note, read_note

PURPOSE = "access to the audit log is managed"


def issued(token: str) -> dict[str, object]:
    return {"action": "tlog.token.issue", "purpose": PURPOSE, "details": {"token": token}}


def logged(made: MadeLog, action: str = "tlog.token.issue") -> list[str]:
    return [entry["details"]["token"] for entry in stored_own(made, action)]


def notes_of(folder: Path) -> list[Path]:
    return sorted((folder / "notes").iterdir())


async def test_what_is_there_is_logged_when_the_log_starts_the_oldest_first(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings()):
        pass
    for token in ("one", "two", "three"):
        leave_note(tmp_path / "notes", issued(token))
    leave_note(tmp_path / "rotations", {"key": "kek", "rewrapped": 3})
    names = {path.stem for path in notes_of(tmp_path)}
    async with running_log(tmp_path, settings=settings()) as made:
        assert logged(made) == ["one", "two", "three"]
        entries = stored_own(made, "tlog.token.issue")
        assert {entry["id"] for entry in entries} == names
        assert {entry["purpose"] for entry in entries} == {PURPOSE}
        assert {(entry["actor"]["type"], entry["actor"]["id"]) for entry in entries} == {("service", "tlog")}
        assert [entry["details"] for entry in stored_own(made, ROTATION)] == [{"key": "kek", "rewrapped": 3}]
    assert notes_of(tmp_path) == list((tmp_path / "rotations").iterdir()) == []


async def test_what_comes_while_it_runs_is_logged_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin_notes.SECONDS <= 2
    monkeypatch.setattr(admin_notes, "SECONDS", 0.01)
    async with running_log(tmp_path, settings=settings()) as made:
        leave_note(tmp_path / "notes", issued("one"))
        async with asyncio.timeout(20):
            while notes_of(tmp_path):  # noqa: ASYNC110 - another task empties a folder
                await asyncio.sleep(0.01)
        assert logged(made) == ["one"]


async def test_a_crash_between_the_entry_and_the_note_logs_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        leave_note(tmp_path / "notes", issued("one"))
        notes = AdminNotes(tmp_path, made.log.acts.own, made.log.acts.keyring)

        def crash(_path: Path, *_given: object) -> None:
            raise OSError("the power went")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", crash)
            await notes.log()
        assert (logged(made), len(notes_of(tmp_path))) == (["one"], 1)
    async with running_log(tmp_path, settings=settings()) as made:
        assert (logged(made), notes_of(tmp_path)) == (["one"], [])


async def test_a_note_that_is_not_whole_is_not_read(tmp_path: Path) -> None:
    """A crash while it was written: it has its name only once it is whole."""
    async with running_log(tmp_path, settings=settings()) as made:
        (tmp_path / "notes").mkdir(exist_ok=True)
        create_secret_file(tmp_path / "notes" / f"{new_entry_id()}.new", b'{"action": "tlog.to')
        await AdminNotes(tmp_path, made.log.acts.own, made.log.acts.keyring).log()
        assert stored_own(made) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b"\xff",
        json.dumps(issued("x") | {"action": "No!"}).encode(),
        json.dumps(issued("x" * 70_000)).encode(),
    ],
)
async def test_a_broken_note_is_reported_and_keeps_no_other_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        (tmp_path / "notes").mkdir(exist_ok=True)
        broken = tmp_path / "notes" / f"{UUID(int=0)}.json"  # the first by name
        create_secret_file(broken, content)
        leave_note(tmp_path / "notes", issued("after it"))
        await AdminNotes(tmp_path, made.log.acts.own, made.log.acts.keyring).log()
        assert logged(made) == ["after it"]
    assert notes_of(tmp_path) == [broken]
    said = capsys.readouterr().out
    assert broken.name in said
    assert "what was administered could not be logged" in said


async def test_a_note_that_cannot_be_logged_is_counted_and_reported_once_and_again_rarely(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter((0.0, 2.0, admin_notes.REMINDER, admin_notes.REMINDER + 2))
    async with running_log(tmp_path, settings=settings()) as made:
        other = tmp_path / "other"  # in which the log itself does not look, too
        notes = AdminNotes(other, made.log.acts.own, made.log.acts.keyring, lambda: next(times))
        (other / "notes").mkdir(parents=True)
        assert notes.unlogged() == 0
        create_secret_file(other / "notes" / f"{UUID(int=0)}.json", b"{}")
        reported = []
        for _ in range(4):
            await notes.log()
            reported.append(capsys.readouterr().out.count("could not be logged"))
        assert (reported, notes.unlogged()) == ([1, 0, 1, 0], 1)
        (other / "notes").rename(tmp_path / "notes")
        assert "tlog_notes_unlogged 1.0" in Metrics(made.log).text().decode()


def test_what_is_larger_than_what_is_read_again_is_no_note(tmp_path: Path) -> None:
    leave_note(tmp_path / "notes", {"text": "x" * (MAX_NOTE - 12)})
    (note,) = notes_of(tmp_path)
    assert (note.stat().st_size, len(read_note(note)["text"])) == (MAX_NOTE, MAX_NOTE - 12)
    with pytest.raises(TooLarge):
        leave_note(tmp_path / "notes", {"text": "x" * (MAX_NOTE - 11)})
    assert notes_of(tmp_path) == [note]


async def test_a_note_under_a_name_that_is_no_id_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        leave_note(tmp_path / "notes", issued("one"))
        (note,) = notes_of(tmp_path)
        note.rename(note.with_name("a-copy.json"))
        await AdminNotes(tmp_path, made.log.acts.own, made.log.acts.keyring).log()
        assert stored_own(made) == []
    assert "a-copy.json" in capsys.readouterr().out


async def test_others_cannot_read_or_write_notes(tmp_path: Path) -> None:
    leave_note(tmp_path / "notes", issued("one"))
    (note,) = notes_of(tmp_path)
    assert (note.stat().st_mode & 0o777, note.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "mangled", [b"[" * 60_000, b'{"action": "a", "purpose": "p", "details": {"n": 1%s}}' % (b"0" * 40)]
)
async def test_no_note_whatever_it_holds_stops_the_log(tmp_path: Path, mangled: bytes) -> None:
    async with running_log(tmp_path, settings=settings()):
        leave_note(tmp_path / "notes", issued("zero"))
    create_secret_file(tmp_path / "notes" / f"{UUID(int=1)}.json", mangled)
    leave_note(tmp_path / "notes", issued("one"))
    async with running_log(tmp_path, settings=settings()) as made:
        assert "one" in logged(made)
        assert len(notes_of(tmp_path)) == 1
