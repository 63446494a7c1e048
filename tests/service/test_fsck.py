"""The audit finds nothing on a good log, and something for everything that can be changed behind its back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import append_request, make_parts, running_log
from tlog.service.fsck.report import FsckReport
from tlog.service.fsck.run import fsck

SIZE = 305


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def good(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    folder = tmp_path_factory.mktemp("good")
    async with running_log(folder) as made:
        for count in (1, 300, 3):
            size = (await made.log.appender.append(append_request(count)))[-1].index + 1
            await made.log.wait("witnessed", size)
        await made.log.append_leaf(bytes(32))
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
    "another outcome shown": ("UPDATE entries SET outcome = 'denied' WHERE log_index = 9", "'outcome'"),
    "another time shown": ("UPDATE entries SET occurred_at = occurred_at + 1 WHERE log_index = 9", "'occurred_at'"),
    "another time received": ("UPDATE entries SET received_at = received_at + 1 WHERE log_index = 9", "'received_at'"),
    "an orphan part": ("INSERT INTO personal VALUES (999, 0, 1, x'00')", "belong to no entry"),
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
    report, _ = audit(copy(good, tmp_path), "UPDATE entries SET core = zeroblob(99), outcome = 'x'")
    assert report.problem_count >= SIZE - 1
    assert len(report.problems) <= 100
    assert "Example" not in "".join(report.problems)
