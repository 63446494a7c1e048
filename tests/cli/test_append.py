"""`tlog append` against a log in this process that fails on purpose."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command, Outcome
from tests.client.material import WITNESSES
from tests.client.served import Served, served
from tests.support import entry_document
from tlog.cli.id_file import id_file
from tlog.errors import Conflict, EntryInvalid, Fault, Forbidden, LogHalted, TlogError
from tlog.formats.policy import WitnessLine

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


@dataclass(frozen=True, slots=True)
class Sender:
    """Runs `tlog append` beside a log that this event loop serves."""

    log: Served
    tlog: Command

    async def __call__(self, file: Path | str, *options: object, code: int = 0) -> Outcome:
        once = () if "--retry-for" in options else ("--retry-for", 0)
        arguments = ("append", file, "--url", self.log.url, *once, *options)
        return await asyncio.to_thread(lambda: self.tlog(*arguments, code=code))

    @property
    def size(self) -> int:
        return self.log.made.log.store.state().size


@pytest.fixture
async def append(tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sender]:
    async with served(tmp_path / "log") as log:
        monkeypatch.setenv("TLOG_TOKEN", log.token)
        yield Sender(log, tlog)


def ndjson(path: Path, documents: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


def entries(path: Path, count: int = 5) -> Path:
    return ndjson(path, [entry_document() for _ in range(count)])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_run_that_stopped_half_way_is_finished_by_running_it_again(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / "e.ndjson")
    append.log.front.plan.extend(["", LogHalted("enough")])
    stopped = await append(file, "--batch", 2, code=1)
    assert "enough" in stopped.err
    assert append.size == 2
    kept = id_file(file)
    assert kept.name == "e.ndjson.tlog-ids"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [line.split()[0] for line in kept.read_text().splitlines()[1:]] == ["1", "2", "3", "4", "5"]

    again = (await append(file, "--batch", 2, "--json")).json
    assert (again["stored"], again["duplicates"], append.size) == (5, 2, 5)
    assert names(tmp_path) == ["e.ndjson", "log"]


async def test_a_lost_answer_is_harmless_too_and_lines_with_an_id_keep_it(append: Sender, tmp_path: Path) -> None:
    file = ndjson(tmp_path / "e", [entry_document(), entry_document(id=ID), entry_document()])
    append.log.front.plan.append("lose answer")
    await append(file, code=1)
    assert append.size == 3
    assert [line.split()[0] for line in id_file(file).read_text().splitlines()[1:]] == ["1", "3"]
    assert (await append(file, "--json")).json["duplicates"] == 3
    assert append.size == 3


async def test_a_file_with_ids_of_its_own_needs_none_kept(append: Sender, tmp_path: Path) -> None:
    file = ndjson(tmp_path / "e", [entry_document(id=ID)])
    append.log.front.plan.append("lose")
    await append(file, code=1)
    assert not id_file(file).exists()
    await append(file)


async def test_a_changed_file_is_refused(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / "e")
    append.log.front.plan.append("lose answer")
    await append(file, code=1)
    before = id_file(file).read_bytes()
    entries(file)
    requests = append.log.front.requests
    refused = await append(file, code=1)
    assert f"{file} has changed since a run of 'tlog append' that did not finish" in refused.err
    assert str(id_file(file)) in refused.err
    assert append.log.front.requests == requests
    assert id_file(file).read_bytes() == before


@pytest.mark.parametrize("cut", [1, 40, 100, 170, -1])
async def test_damaged_ids_are_refused_before_anything_is_sent(append: Sender, tmp_path: Path, cut: int) -> None:
    file = entries(tmp_path / "e")
    append.log.front.plan.append("lose")
    await append(file, code=1)
    id_file(file).write_bytes(id_file(file).read_bytes()[:cut])
    refused = await append(file, code=1)
    assert str(id_file(file)) in refused.err
    assert append.log.front.requests == 1


async def test_nothing_is_sent_if_the_ids_cannot_be_kept(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / ("e" * 250))  # its own name is possible, with .tlog-ids it is too long
    refused = await append(file, code=1)
    assert "cannot write" in refused.err
    assert "Copy eeee" in refused.err
    assert "give every entry an id" in refused.err
    assert append.log.front.requests == 0
    await append(ndjson(file, [entry_document(id=ID)]))


async def test_nothing_is_sent_before_the_ids_are_durable(
    append: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = entries(tmp_path / "e")
    synced: list[str] = []

    def fsync(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("tlog.cli.id_file.os.fsync", fsync)
        refused = await append(file, code=1)
    assert "Input/output error" in refused.err
    assert synced
    assert append.log.front.requests == 0
    assert names(tmp_path) == ["e", "log"]


async def test_two_runs_on_one_file_do_not_meet(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / "e")
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "another 'tlog append' is sending" in (await append(file, code=1)).err
    await append(file)


async def test_a_used_seq_is_named_by_its_line_with_a_hint(append: Sender, tmp_path: Path) -> None:
    one, two = entry_document(), entry_document()
    await append(ndjson(tmp_path / "first", [two]))
    refused = await append(ndjson(tmp_path / "second", [one, two]), code=1)
    assert f"line 2: seq {two['seq']} of source clinic belongs to entry 0" in refused.err
    assert "hint: " in refused.err
    assert "second.tlog-ids" in refused.err


async def test_a_named_pipe_is_a_stream(append: Sender, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = json.dumps(entry_document()) + "\n"
    _, sent = await asyncio.gather(asyncio.to_thread(pipe.write_text, text), append(pipe, "--json"))
    assert (sent.json["stored"], append.size) == (1, 1)
    assert not id_file(pipe).exists()


async def test_what_is_stored_but_not_witnessed_in_time_is_reported(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = WitnessLine(b"w", WITNESSES[0].vkey, "http://127.0.0.1:1")
    waiting = ("--wait", "witnessed", "--wait-for", 1)
    async with served(tmp_path / "log", quorum=b"w", witnesses=[unreachable]) as log:
        monkeypatch.setenv("TLOG_TOKEN", log.token)
        append = Sender(log, tlog)
        file = entries(tmp_path / "e", 3)
        found = (await append(file, *waiting, "--json", code=1)).json
        assert (found["stored"], found["duplicates"]) == (3, 0)
        assert (found["first_index"], found["last_index"], found["status"]) == (0, 2, "durable")
        assert "not witnessed within 1 seconds" in found["note"]
        # Running it again waits again.
        text = await append(file, *waiting, code=1)
        assert text.out == "3 entries are stored (indices 0 to 2, 3 of them already before); status: durable\n"
        assert "but not witnessed after 1 second: " in text.err
        assert append.size == 3
        one = await append(entries(tmp_path / "f", 1), *waiting, code=1)
        assert one.out == "1 entry is stored (index 3); status: durable\n"


def test_help_says_what_the_exit_codes_mean(tlog: Command) -> None:
    text = tlog("append", "--help").out
    for said in ("Exit codes: 0 every entry is stored", "'stored' counts every entry", "FILE.tlog-ids until"):
        assert said in text


async def test_every_bad_line_of_a_file_is_named(append: Sender, tmp_path: Path) -> None:
    good, bad = entry_document(), entry_document(outcome="perhaps", colour="red")
    refused = await append(ndjson(tmp_path / "e", [bad, good, bad, good, bad]), code=1)
    for line in (1, 3, 5):
        assert f"tlog: line {line}: outcome: " in refused.err
        assert f"tlog: line {line}: colour: " in refused.err
    assert "6 faults in 3 lines, the first in line 1" in refused.err
    assert "nothing was sent" in refused.err
    assert append.log.front.requests == 0
    assert not id_file(tmp_path / "e").exists()


async def test_one_line_is_named_and_it_is_that_of_the_file(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / "e", 3)
    file.write_text(file.read_text() + '{"schema": 1,}\n' + "{\n")
    refused = (await append(file, code=1)).err
    assert "2 faults in 2 lines, the first in line 4; nothing was sent" in refused
    assert "line 4: not JSON: " in refused
    assert " at column 13 (" in refused
    assert "line 1" not in refused


@pytest.mark.parametrize(
    "error", [Conflict("[1]: seq 7 is used"), Forbidden("no"), EntryInvalid([Fault("[1]", "bad")])]
)
async def test_a_refused_file_may_be_corrected(append: Sender, tmp_path: Path, error: TlogError) -> None:
    file = entries(tmp_path / "e")
    append.log.front.plan.append(error)
    await append(file, code=1)
    assert names(tmp_path) == ["e", "log"], "no ids are left of which nothing is stored"
    await append(entries(file))
    assert append.size == 5


async def test_ids_stay_while_it_is_not_known_what_was_stored(append: Sender, tmp_path: Path) -> None:
    file = entries(tmp_path / "e")
    append.log.front.plan.append("lose answer")
    append.log.front.plan.append(Forbidden("no"))
    await append(file, "--retry-for", 5, code=1)  # stored at the first attempt, refused at the second
    assert (id_file(file).exists(), append.size) == (True, 5)
    append.log.front.plan.append(Forbidden("no"))
    await append(file, code=1)  # nothing of this run is stored, but these ids are those of the first one
    assert id_file(file).exists()
    assert (await append(file, "--json")).json["duplicates"] == 5
    unreachable = await asyncio.to_thread(
        lambda: append.tlog("append", entries(tmp_path / "f"), "--url", "http://127.0.0.1:1", "--retry-for", 0, code=1)
    )
    assert "does not answer" in unreachable.err
    assert names(tmp_path) == ["e", "f", "log"]


async def test_many_bad_lines_are_counted(append: Sender, tmp_path: Path) -> None:
    file = tmp_path / "e"
    file.write_text(("[]\n" + " " * 60_000 + "\n") * 100)  # more than a chunk
    refused = await append(file, code=1)
    assert [f"line {line}: " in refused.err for line in (1, 39, 41)] == [True, True, False]
    assert "and 80 more faults" in refused.err
    assert "100 faults in 100 lines" in refused.err


async def test_failures_in_json_have_their_details(append: Sender, tmp_path: Path) -> None:
    bad = await append(ndjson(tmp_path / "e", [{}, entry_document()]), "--json", code=1)
    assert bad.error["error"].endswith(" faults in 1 line; nothing was sent")
    assert any(detail.startswith("line 1: ") for detail in bad.error["details"])
    append.log.front.plan.extend(["", LogHalted("enough")])
    stopped = (await append(entries(tmp_path / "f"), "--batch", 2, "--json", code=1)).error
    assert (stopped["error"], stopped["stored"], stopped["last_index"]) == ("enough", 2, 1)
    assert stopped["details"] == ["stopped; 2 entries are stored (indices 0 to 1)"]
