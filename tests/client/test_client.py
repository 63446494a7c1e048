from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.client.material import WITNESSES
from tests.client.served import Served, served
from tests.support import entry_document
from tlog.client.client import LogClient
from tlog.client.entry_file import parse_entry_file
from tlog.client.ndjson import Line, LineReader
from tlog.client.retry import RetryPolicy
from tlog.client.upload import Upload
from tlog.client.verifier import OfflineVerifier
from tlog.errors import (
    ConfigurationInvalid,
    Conflict,
    EntryInvalid,
    Forbidden,
    LogHalted,
    MalformedAnswer,
    NotFound,
    OutOfRange,
    Overloaded,
    TlogError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from tlog.formats.policy import WitnessLine

UNREACHABLE = WitnessLine(b"w", WITNESSES[0].vkey, "http://127.0.0.1:1")


def lines(count: int) -> list[Line]:
    data = b"".join(json.dumps(entry_document()).encode() + b"\n" for _ in range(count))
    return LineReader().feed(data)


class Pauses:
    """Takes note of each pause instead of waiting."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def client_of(log: Served, token: str | None = "", pauses: Pauses | None = None) -> LogClient:
    retries = RetryPolicy(give_up_after=5, random=lambda: 0.0)
    return LogClient(log.url, log.token if token == "" else token, retries=retries, sleep=pauses or Pauses())


async def test_what_was_appended_comes_back_and_verifies(tmp_path: Path) -> None:
    async with served(tmp_path) as log, client_of(log) as client:
        answer = await client.append(lines(3), "witnessed")
        assert (answer.status, [place.index for place in answer.entries]) == ("witnessed", [0, 1, 2])
        entry = parse_entry_file(await client.entry(1))
        assert entry.verify(entry.leaf)["seq"] == entry.entry["seq"]
        report = OfflineVerifier(log.made.parts.policy).verify_proof(await client.proof(1), entry=entry)
        assert (report.index, report.checkpoint.size) == (1, 3)
        assert (await client.checkpoint()).startswith(b"example.com/log\n3\n")
        assert [found.size async for found in client.checkpoints()][-1] == 3
        assert (await client.consistency(1, 3)).new == 3
        assert (await client.inclusion(2, 3)).index == 2


@pytest.mark.parametrize("fault", ["lose", "lose answer", "busy"])
async def test_a_lost_or_refused_request_is_stored_once(tmp_path: Path, fault: str) -> None:
    async with served(tmp_path) as log:
        pauses = Pauses()
        log.front.plan.extend([fault, fault])
        async with client_of(log, pauses=pauses) as client:
            batch = lines(4)
            answer = await client.append(batch)
        assert [place.index for place in answer.entries] == [0, 1, 2, 3]
        assert all(place.duplicate == (fault == "lose answer") for place in answer.entries)
        assert log.made.log.store.state().size == 4
        assert pauses.asked == ([1, 1] if fault == "busy" else [0.2, 0.4])


async def test_it_gives_up_when_its_patience_ends(tmp_path: Path) -> None:
    async with served(tmp_path) as log:
        log.front.plan.extend([Overloaded("full", 60)] * 3)
        async with client_of(log) as client:
            with pytest.raises(Overloaded, match="full"):
                await client.append(lines(1))
        assert log.front.requests == 1
        assert log.made.log.store.state().size == 0


@pytest.mark.parametrize("error", [LogHalted("rolled back"), Conflict("known id"), EntryInvalid([])])
async def test_what_will_not_mend_itself_is_not_tried_again(tmp_path: Path, error: TlogError) -> None:
    async with served(tmp_path) as log:
        log.front.plan.append(error)
        async with client_of(log) as client:
            with pytest.raises(TlogError):
                await client.append(lines(1))
        assert log.front.requests == 1


async def test_nobody_there(tmp_path: Path) -> None:
    async with served(tmp_path) as log:
        pass
    pauses = Pauses()
    async with client_of(log, pauses=pauses) as client:
        with pytest.raises(Unavailable, match=f"{log.url}.* does not answer"):
            await client.checkpoint()
    assert len(pauses.asked) > 1


async def test_refusals_are_the_logs_own(tmp_path: Path) -> None:
    async with served(tmp_path) as log:
        async with client_of(log, token=None) as client:
            with pytest.raises(OutOfRange, match="no entry has index 0"):
                await client.proof(0)
            with pytest.raises(OutOfRange):
                await client.consistency(0, 5)
            with pytest.raises(Unauthorized):
                await client.append(lines(1))
            with pytest.raises(Unauthorized):
                await client.entry(0)
        async with client_of(log, token=log.made.token("shop")) as client:
            with pytest.raises(NotFound):
                await client.entry(99)
            with pytest.raises(Forbidden):
                await client.append(lines(1))


async def test_an_answer_about_other_entries_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as log, client_of(log) as client:
        batch = lines(2)
        liar = [Line(1, batch[1].id, batch[0].data), Line(2, batch[0].id, batch[1].data)]
        with pytest.raises(MalformedAnswer, match="other entries"):
            await client.append(liar)


@pytest.mark.parametrize("url", ["", "log.example", "ftp://log.example", "http://", "http://x/?a=b", "http://[x"])
def test_what_is_no_url_of_a_log_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="URL"):
        LogClient(url)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é"])
def test_a_token_that_would_break_the_header_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="token") as caught:
        LogClient("http://log.example", token)
    assert repr(token) not in str(caught.value)


async def test_an_upload_keeps_the_order_and_counts(tmp_path: Path) -> None:
    async with served(tmp_path) as log, client_of(log) as client:
        told: list[int] = []
        upload = Upload(client, 4, told.append)
        batch = lines(10)
        await upload.send(batch)
        await upload.wait("witnessed", 20)
        assert told == [4, 4, 2]
        assert (upload.stored, upload.duplicates, upload.lowest) == (10, 0, 0)
        assert upload.highest == (9, batch[9])
        assert [_id(log, index) for index in range(10)] == [line.id for line in batch]
        await upload.send(batch)
        assert (upload.stored, upload.duplicates, log.made.log.store.state().size) == (20, 10, 10)


async def test_a_request_that_is_too_large_is_cut_in_two(tmp_path: Path) -> None:
    async with served(tmp_path) as log, client_of(log) as client:
        log.front.plan.extend([TooLarge("too many values"), "", TooLarge("too many values")])
        upload = Upload(client, 100)
        batch = lines(8)
        await upload.send(batch)
        assert [_id(log, index) for index in range(8)] == [line.id for line in batch]
        assert log.front.requests == 5
        log.front.plan.append(TooLarge("an entry of its own"))
        with pytest.raises(TooLarge, match="of its own"):
            await upload.send(lines(1))


async def test_a_fault_the_log_finds_is_named_by_its_line(tmp_path: Path) -> None:
    async with served(tmp_path) as log, client_of(log) as client:
        batch = lines(5)
        twice: Sequence[Line] = [*batch[:2], Line(7, batch[0].id, batch[0].data)]
        with pytest.raises(EntryInvalid) as caught:
            await Upload(client, 100).send(twice)
        assert [fault.path for fault in caught.value.faults] == ["line 7: id"]
        assert log.made.log.store.state().size == 0


async def test_waiting_for_witnesses_that_do_not_come_ends(tmp_path: Path) -> None:
    async with served(tmp_path, quorum=b"w", witnesses=[UNREACHABLE]) as log, client_of(log) as client:
        upload = Upload(client, 100)
        await upload.send(lines(2))
        with pytest.raises(Unavailable, match=r"^not witnessed after 1 second: "):
            await upload.wait("witnessed", 1)
        assert upload.summary() == "2 entries are stored (indices 0 to 1)"
        assert upload.status == "durable"
        assert upload.note


def _id(log: Served, index: int) -> str:
    stored = log.made.log.entries.stored(index)
    return str(log.made.log.entries.opened(stored).entry["id"])
