"""Reading a log that is stopped: what is shown, what is noted first, what becomes of the note; on both back ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import NewUrl
from tests.http.own_entries import looked_up, shown, stored_own
from tests.service.expired import Clock, kept_log, run_due
from tests.service.older import Databases, new_databases, sqlite_in
from tests.service.test_erasure import ANNA, about, append, asked, dpo, erasures, settings
from tests.support import MadeLog, make_log, running_log
from tlog.audit.wish import Wish
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import BadRequest, DecryptionFailed, Expired, NotFound, NotLogged, TooLarge
from tlog.keys.secret_file import read_secret_file
from tlog.service import offline_reading, read_note
from tlog.service.lookup_filters import Filters
from tlog.service.offline_reading import OfflineReading, Reader
from tlog.service.read_note import READ_OFFLINE, OfflineRead, ReadNotes, opened_note

READER = Reader("ops", "Dana Officer", "request 4 of the regulator")


@contextmanager
def reading(folder: Path, reader: Reader = READER, **options: Any) -> Iterator[tuple[MadeLog, OfflineReading]]:
    """Open a stopped log as `tlog read` does."""
    made = make_log(folder, settings=settings(), **options)
    try:
        yield made, OfflineReading(made.log, ReadNotes(folder / "notes", made.parts.keyring), reader)
    finally:
        made.close()


async def stopped(folder: Path, *documents: dict[str, Any], urls: tuple[str, str] | None = None) -> list[int]:
    """Make a log of these entries and stop it."""
    async with running_log(folder, settings=settings(), urls=urls) as made:
        indices = await append(made, *documents)
        await made.log.wait("witnessed", max(indices) + 1)
    return indices


async def logged(folder: Path, urls: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """Start the log and return the entries that log what was read."""
    async with running_log(folder, settings=settings(), urls=urls) as made:
        return stored_own(made, READ_OFFLINE)


def notes_of(folder: Path) -> list[Path]:
    return sorted((folder / "notes").iterdir()) if (folder / "notes").exists() else []


async def test_a_read_is_noted_sealed_and_logged_when_the_log_runs_again(tmp_path: Path, new_url: NewUrl) -> None:
    urls = new_databases(new_url).urls
    [first, second] = await stopped(tmp_path, about("anna-marker-7"), about("bert-8"), urls=urls)
    with reading(tmp_path, urls=urls) as (made, read):
        by_id = UUID(bytes=made.log.store.entry(second).columns["entry_id"])
        found = read.entries([by_id, first, second])
        assert [stored.index for stored, _ in found] == [second, first]
        assert found[1][1].entry["subjects"][0]["id"] == "anna-marker-7"
    [note] = notes_of(tmp_path)
    assert note.stat().st_mode & 0o777 == 0o600
    assert json.loads(note.read_bytes()).keys() == {"action", "sealed"}
    [entry] = await logged(tmp_path, urls)
    assert (entry["id"], shown(entry)) == (note.stem, [second, first])
    assert entry["actor"] == {"type": "tlog-operator", "id": "ops", "name": "Dana Officer"}
    assert entry["details"] == {"operation": "readEntry", "purpose": "request 4 of the regulator"}
    assert (entry["outcome"], entry["crud"], "subjects" in entry) == ("allowed", "read", False)
    assert entry["occurred_at"] < entry["received_at"], "when it was read, and when it was logged"
    assert notes_of(tmp_path) == []


async def test_a_look_up_says_whose_key_it_was_by_and_who_looked_finds_it(tmp_path: Path, new_url: NewUrl) -> None:
    urls = new_databases(new_url).urls
    [first, second] = await stopped(tmp_path, about("anna-marker-7"), about("bert-8"), urls=urls)
    with reading(tmp_path, urls=urls) as (_, read):
        page = read.page(Filters(subject="anna-marker-7", source="clinic"), None, 50)
        assert [found.stored.index for found in page.entries] == [first]
        assert read.page(Filters(subject="nobody-the-log-knows"), None, 50).entries == []
    assert not [note for note in notes_of(tmp_path) if b"anna-marker-7" in note.read_bytes()]
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        known, unknown = stored_own(made, READ_OFFLINE)
        assert looked_up(known) == [made.parts.keyring.find_person("subject", "anna-marker-7")]
        assert "anna-marker-7" not in json.dumps(known)
        assert known["details"]["filters"] == ["subject", "source"]
        assert (looked_up(unknown), shown(unknown)) == ([], []), "an unknown person makes no key, as over HTTP"
        [access] = made.log.who_looked.of_subject("anna-marker-7", None, 50).accesses
        assert (access.shown, access.by_name, access.opened.entry["action"]) == ((first,), True, READ_OFFLINE)
        assert len(made.log.who_looked.of_entry(first, None, 50).accesses) == 1
        assert made.log.who_looked.of_entry(second, None, 50).accesses == []
        assert made.log.lookup.subject_key("nobody-the-log-knows") is None


async def test_what_cannot_be_noted_is_not_shown(tmp_path: Path) -> None:
    [first] = await stopped(tmp_path, about("anna-marker-7"))
    (tmp_path / "notes").symlink_to("/proc")  # a folder in which nobody, root neither, makes a file
    with reading(tmp_path) as (_, read):
        for ask in (
            lambda: read.entries([first]),
            lambda: read.page(Filters(), None, 50),
            lambda: read.evidence([first], Wish(["all"], [])),
            lambda: read.entries([999]),
        ):
            with pytest.raises(NotLogged, match="what can't be noted is not shown"):
                ask()


async def test_what_no_log_would_take_is_no_note(tmp_path: Path) -> None:
    """Its note would lie there for ever, and nobody would hear of the read."""
    [first] = await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path, Reader("ops", "Dana", "x" * 1025)) as (_, read), pytest.raises(NotLogged):
        read.entries([first])
    with (
        reading(tmp_path, Reader("ops", "two\nlines", "why")) as (_, read),
        pytest.raises(NotLogged, match=r"actor\.name"),
    ):
        read.entries([first])
    assert notes_of(tmp_path) == []


async def test_the_largest_note_that_is_left_is_logged(tmp_path: Path) -> None:
    """What is left is larger than its entry: escapes, and base64 of what is sealed."""
    [first] = await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path) as (made, _):
        notes = ReadNotes(tmp_path / "notes", made.parts.keyring)
        now = "2026-03-01T09:30:00.000000Z"
        purpose = "é" * 1024
        large = OfflineRead(
            READER.actor(), now, "allowed", {"purpose": purpose, "text": "é" * 30_000}, [first], person=2**63 - 1
        )
        notes.leave(large)
        with pytest.raises(NotLogged):
            notes.leave(replace(large, details={"purpose": purpose, "text": "é" * 33_000}))
    [note] = notes_of(tmp_path)
    assert note.stat().st_size > 4 * 60_000
    [entry] = await logged(tmp_path)
    assert (entry["details"]["purpose"], len(entry["details"]["text"])) == (purpose, 30_000)
    assert notes_of(tmp_path) == []


async def test_an_attempt_that_fails_is_noted_without_entries(tmp_path: Path) -> None:
    [first] = await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path) as (_, read):
        with pytest.raises(NotFound, match="no entry has index 999"):
            read.entries([first, 999])
        with pytest.raises(NotFound, match="no entry has this id"):
            read.evidence([UUID(int=7)], Wish(["core"], []))
    assert [(entry["outcome"], shown(entry)) for entry in await logged(tmp_path)] == [("failed", []), ("failed", [])]


async def test_an_expired_entry_says_by_which_act(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        [index] = await append(made, about("anna-marker-7"))
        clock.on(2026, 2)
        await run_due(made)
    with reading(tmp_path, now=clock) as (_, read):
        with pytest.raises(Expired, match=f"entry {index} has expired.*; by act .* logged as entry"):
            read.entries([index])
        assert read.page(Filters(subject="anna-marker-7"), None, 50).entries == []


@pytest.mark.parametrize("older", [("log",), ("keyring",), ("log", "keyring")])
async def test_what_was_erased_is_gone_from_older_databases_before_they_are_read(
    tmp_path: Path, older: tuple[str, ...]
) -> None:
    new_url = sqlite_in(tmp_path)
    databases = new_databases(new_url)
    [index] = await stopped(tmp_path, about("anna-marker-7", "bert-8"), urls=databases.urls)
    before: Databases = databases.copied(new_url)
    async with running_log(tmp_path, settings=settings(), urls=databases.urls) as made:
        await erasures(made).request(asked(ANNA), dpo(made))
    with reading(tmp_path, urls=databases.with_older(before, older).urls) as (_, read):
        [(_, opened)] = read.entries([index])
        assert "anna-marker-7" not in json.dumps(opened.entry)
        assert opened.entry["subjects"][1]["id"] == "bert-8"
        assert "subjects[0]" in opened.erased


async def test_whoever_was_erased_before_the_note_is_logged_does_not_come_back(tmp_path: Path) -> None:
    [index] = await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path) as (made, read):
        read.page(Filters(subject="anna-marker-7"), None, 50)
        key_id = made.parts.keyring.find_person("subject", "anna-marker-7")
        assert key_id is not None
        made.parts.keyring.destroy_person(key_id)
    [entry] = await logged(tmp_path)
    assert (shown(entry), looked_up(entry)) == ([index], [key_id]), "a number that leads to nobody"
    assert entry["details"]["purpose"] == READER.purpose
    assert "anna-marker-7" not in json.dumps(entry)
    with reading(tmp_path) as (made, _):
        assert made.parts.keyring.find_person("subject", "anna-marker-7") is None


@pytest.mark.parametrize(
    ("reader", "filters"),
    [
        (Reader("ops", "Dana", "complaint of Anna-Marker-7"), Filters(subject="anna-marker-7")),
        (Reader("ops", "Dana for anna-marker-7", "why"), Filters(subject="anna-marker-7")),
        (Reader("ops", "Dana", "complaint about e-1007"), Filters(actor=("employee", "e-1007"))),
        (Reader("ops", "Dana", "complaint of nobody-the-log-knows"), Filters(subject="nobody-the-log-knows")),
    ],
)
async def test_words_that_name_whom_they_look_up_are_refused_before_anything_is_read(
    tmp_path: Path, reader: Reader, filters: Filters
) -> None:
    await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path, reader) as (_, read), pytest.raises(BadRequest, match="would outlive their erasure"):
        read.page(filters, None, 50)
    assert notes_of(tmp_path) == []


async def test_a_note_of_another_log_stays_and_is_not_logged(tmp_path: Path) -> None:
    [index] = await stopped(tmp_path / "a", about("anna-marker-7"))
    await stopped(tmp_path / "b", about("bert-8"))
    with reading(tmp_path / "a") as (_, read):
        read.entries([index])
    [note] = notes_of(tmp_path / "a")
    (tmp_path / "b" / "notes").mkdir(mode=0o700)
    foreign = note.rename(tmp_path / "b" / "notes" / note.name)
    assert await logged(tmp_path / "b") == []
    assert foreign.exists()
    with reading(tmp_path / "b") as (made, _), pytest.raises(DecryptionFailed):
        opened_note(made.parts.keyring, UUID(note.stem).bytes, json.loads(read_secret_file(foreign))["sealed"])


async def test_each_note_names_no_more_entries_than_an_answer_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indices = await stopped(tmp_path, *(about(f"p-{number}") for number in range(5)))
    for module in (offline_reading, read_note):
        monkeypatch.setattr(module, "MAX_INDICES", 2)
    with reading(tmp_path) as (_, read):
        assert len(read.entries(indices)) == 5
        page = read.page(Filters(source="clinic"), None, 500)
        assert len(page.entries) == 2
        assert len(read.page(Filters(source="clinic"), page.next, 500).entries) == 2
    entries = await logged(tmp_path)
    assert [shown(entry) for entry in entries[:3]] == [indices[:2], indices[2:4], indices[4:]]
    assert [shown(entry) for entry in entries[3:]] == [indices[:2:-1], indices[2:0:-1]]


async def test_evidence_verifies_and_shows_what_was_wished_for(tmp_path: Path) -> None:
    [first, second] = await stopped(tmp_path, about("anna-marker-7"), about("bert-8"))
    with reading(tmp_path) as (made, read):
        evidence = read.evidence([second, first], Wish(["core", "subjects"], ["purpose"]))
        EvidenceVerifier(made.log.policy).verify(evidence)
        assert [entry.index for entry in evidence.entries] == [first, second]
        assert "actor.id" not in evidence.entries[0].disclosures
        assert "purpose" not in evidence.entries[0].disclosures
        with pytest.raises(TooLarge):
            read.evidence(range(501), Wish(["core"], []))
    done, refused = await logged(tmp_path)
    assert (shown(done), done["details"]["disclosed"]) == ([first, second], ["core", "subjects"])
    assert (refused["outcome"], shown(refused)) == ("failed", [])


async def test_a_crash_between_the_entry_and_the_note_logs_a_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first] = await stopped(tmp_path, about("anna-marker-7"))
    with reading(tmp_path) as (_, read):
        read.entries([first])

    def crash(_path: Path, *_given: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", crash)
        assert len(await logged(tmp_path)) == 1
    assert len(notes_of(tmp_path)) == 1
    assert len(await logged(tmp_path)) == 1
    assert notes_of(tmp_path) == []
