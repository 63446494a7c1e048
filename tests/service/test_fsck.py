"""The audit finds nothing on a good log, and something for everything that can be changed behind its back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.service.erased import EXPIRE, erase_part, run
from tests.support import TAKES_LEAVES, append_request, make_parts, running_log
from tlog.audit.cohort import cohort_of
from tlog.service.fsck.report import FsckReport
from tlog.service.fsck.run import fsck
from tlog.storage.log_store import LogStore

SIZE = 305


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def good(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    folder = tmp_path_factory.mktemp("good")
    async with running_log(folder, settings=TAKES_LEAVES) as made:
        for count in (1, 300, 3):
            size = (await made.log.appender.append(append_request(count)))[-1].index + 1
            await made.log.wait("witnessed", size)
        await made.log.leaves.append(bytes(32))
        await made.log.wait("witnessed", SIZE)
    yield folder


def audit(folder: Path, sql: str | None = None) -> tuple[FsckReport, list[str]]:
    parts, keyring_database = make_parts(folder)
    seen: list[str] = []
    try:
        if sql is not None:
            with parts.database.write() as connection:
                assert connection.exec_driver_sql(sql).rowcount > 0
        return fsck(parts, lambda what, done, total: seen.append(f"{what} {done}/{total}")), seen
    finally:
        parts.database.close()
        keyring_database.close()


def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "copy"))


def test_a_good_log_passes(good: Path, tmp_path: Path) -> None:
    report, seen = audit(copy(good, tmp_path))
    assert report.problems == []
    assert report.ok
    assert (report.size, report.leaves, report.entries_opened, report.bundles) == (SIZE, SIZE, SIZE - 1, 2)
    assert report.checkpoints >= 4
    assert {"leaves 305/305", "checkpoints 305/305", "tiles 305/305", "entries 305/305"} <= set(seen)


CHANGES = {
    "a leaf": ("UPDATE entries SET leaf = zeroblob(32) WHERE log_index = 7", "root"),
    "a missing entry": ("DELETE FROM entries WHERE log_index = 7", "304 entries"),
    "the last entry missing": ("DELETE FROM entries WHERE log_index = 304", "304 entries"),
    "an added entry": ("INSERT INTO entries (log_index, leaf) VALUES (305, x'00')", "306 entries"),
    "swapped leaves": (
        (
            "UPDATE entries SET leaf = (SELECT leaf FROM entries e WHERE e.log_index = 9 - entries.log_index) "
            "WHERE log_index IN (4, 5)"
        ),
        "root",
    ),
    "an altered core": ("UPDATE entries SET core = core || x'00' WHERE log_index = 9", "entry 9"),
    "an altered actor": ("UPDATE personal SET ciphertext = zeroblob(80) WHERE log_index = 9 AND part = 0", "entry 9"),
    "a lost subject": ("DELETE FROM personal WHERE log_index = 9 AND part = 1", "entry 9"),
    "another outcome shown": ("UPDATE facets SET outcome = 'denied'", "entry 9: the column 'outcome'"),
    "no facet": ("UPDATE entries SET facet = NULL WHERE log_index = 9", "1 entries have no facet"),
    "a facet that is none": ("UPDATE entries SET facet = 99 WHERE log_index = 9", "1 entries have no facet"),
    "a facet of another source": ("UPDATE facets SET source = 'shop'", "the facet of another source"),
    "a term removed": ("DELETE FROM terms WHERE log_index = 9", "terms of entries are missing from the index"),
    "a term moved": ("UPDATE terms SET log_index = 304 WHERE log_index = 9", "belong to no term of their entry"),
    "a term added": ("INSERT INTO terms VALUES (1, 9)", "1 rows of the index belong to no term"),
    "a term changed everywhere": (
        "UPDATE entries SET terms = zeroblob(8) WHERE log_index = 9",
        "entry 9: its index terms are not those of its targets",
    ),
    "terms hidden": ("UPDATE entries SET terms = x'' WHERE log_index = 9", "entry 9: its index terms are not those"),
    "terms cut": ("UPDATE entries SET terms = x'0011' WHERE log_index = 9", "no whole number of terms"),
    "terms never computed": ("UPDATE entries SET terms = NULL WHERE log_index = 9", "'tlog migrate' makes them"),
    "a time block removed": ("DELETE FROM time_blocks WHERE clock = 0", "too narrow for the 'occurred_at'"),
    "a time block narrowed": (
        'UPDATE time_blocks SET "first" = "first" + 1 WHERE clock = 1',
        "too narrow for the 'received_at'",
    ),
    "a time block narrowed at its end": (
        'UPDATE time_blocks SET "last" = "last" - 1 WHERE clock = 1',
        "too narrow for the 'received_at'",
    ),
    "an entry made a bare leaf": ("UPDATE entries SET entry_id = NULL WHERE log_index = 9", "still have other columns"),
    "an expiry that nobody decided": ("UPDATE entries SET act = 1 WHERE log_index = 9", "an expiry that is not among"),
    "an erasure that nobody decided": (
        "UPDATE personal SET act = 1 WHERE log_index = 9 AND part = 1",
        "an erasure that is not among",
    ),
    "a shared part erased by nobody": (
        "UPDATE entries SET shared_act = 1 WHERE log_index = 9",
        "entry 9: the part shared",
    ),
    "a key taken from a part": (
        "UPDATE personal SET key_id = NULL WHERE log_index = 9 AND part = 1",
        "erased by no act",
    ),
    "another cohort": ("UPDATE entries SET cohort = 'standard/2000-01' WHERE log_index = 9", "entry 9: a key"),
    "another time shown": ("UPDATE entries SET occurred_at = occurred_at + 1 WHERE log_index = 9", "'occurred_at'"),
    "another time received": ("UPDATE entries SET received_at = received_at + 1 WHERE log_index = 9", "'received_at'"),
    "an orphan part": ("INSERT INTO personal VALUES (999, 0, 1, x'00', NULL)", "belong to no entry"),
    "a checkpoint's root": ("UPDATE checkpoints SET root = zeroblob(32) WHERE size = 301", "size 301"),
    "a checkpoint's note": ("UPDATE checkpoints SET note = note || x'0a' WHERE size = 301", "size 301"),
    "a checkpoint's bytes": (
        "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), '301', '302') AS BLOB) WHERE size = 301",
        "size 301",
    ),
    "a checkpoint of another size": (
        "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 301) WHERE size = 305",
        "size 305",
    ),
    "the integrated root": ("UPDATE log_state SET integrated_root = zeroblob(32)", "root recorded"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_in_the_database_is_found(change: str, good: Path, tmp_path: Path) -> None:
    sql, clue = CHANGES[change]
    report, _ = audit(copy(good, tmp_path), sql)
    assert not report.ok
    assert any(clue in problem for problem in report.problems), report.problems


def change(folder: Path, *statements: str) -> None:
    parts, keyring_database = make_parts(folder)
    run(parts.database, statements)
    parts.database.close()
    keyring_database.close()


def expire(where: str) -> list[str]:
    return [statement.format(where=where) for statement in EXPIRE]


def test_expired_entries_are_no_fault(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    change(folder, *expire("WHERE log_index BETWEEN 9 AND 20"), "UPDATE cohort_sizes SET entries = entries - 12")
    report, _ = audit(folder)
    assert report.problems == []
    assert report.entries_opened == SIZE - 1 - 12


@pytest.mark.parametrize(
    ("left", "clue"),
    [
        ("DELETE FROM personal", "personal parts are left of"),
        ("DELETE FROM terms", "belong to no term of their entry"),
    ],
)
def test_what_is_left_of_expired_entries_is_found(left: str, clue: str, good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    change(folder, *(one for one in expire("WHERE log_index = 9") if left not in one))
    assert any(clue in problem for problem in audit(folder)[0].problems)


@pytest.mark.parametrize(("state", "ok"), [("begun", True), ("done", False)])
def test_a_cohort_whose_expiry_is_under_way_is_no_fault(state: str, ok: bool, good: Path, tmp_path: Path) -> None:
    """Its key is gone, its rows are not yet shrunk: the log was killed in between, and goes on when it starts."""
    folder = copy(good, tmp_path)
    parts, keyring_database = make_parts(folder)
    row = LogStore(parts.database).entry(9)
    cohort = cohort_of("standard", row.columns["received_at"])
    parts.keyring.destroy_cohort(cohort)
    act = "INSERT INTO acts (act_id, kind, state, requested_at, cohort) VALUES (zeroblob(16), 'expiry', ?, 0, ?)"
    with parts.database.write() as connection:
        connection.exec_driver_sql(act, (state, cohort))
    parts.database.close()
    keyring_database.close()
    assert audit(folder)[0].ok is ok


def test_erased_parts_are_no_fault(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    erase(folder, 9, 1)
    report, _ = audit(folder)
    assert report.problems == []
    assert report.entries_opened == SIZE - 1
    change(folder, "UPDATE entries SET shared_act = NULL WHERE log_index = 9")
    assert audit(folder)[0].problems == ["entry 9: the part shared and what is noted of its erasure disagree"]


def erase(folder: Path, index: int, part: int) -> None:
    parts, keyring_database = make_parts(folder)
    erase_part(parts.database, parts.keyring, index, part, destroy=False)
    parts.database.close()
    keyring_database.close()


def test_every_changed_or_missing_object_is_found(good: Path, tmp_path: Path) -> None:
    folder = copy(good, tmp_path)
    objects = sorted(path for path in (folder / "tiles").rglob("*") if path.is_file())
    needed = {"000", str(SIZE % 256), "1"}
    for path in objects:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert not audit(folder)[0].ok, path
        path.unlink()
        assert audit(folder)[0].ok == (path.name not in needed), path
        path.write_bytes(data)
    assert audit(folder)[0].ok
    assert {path.name for path in objects} > needed


def test_problems_name_no_person(good: Path, tmp_path: Path) -> None:
    report, _ = audit(copy(good, tmp_path), "UPDATE entries SET core = zeroblob(99), source = 'x'")
    assert report.problem_count >= SIZE - 1
    assert len(report.problems) <= 100
    assert "Example" not in "".join(report.problems)
