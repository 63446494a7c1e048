"""What services are promised."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.accept.promises import shows
from tests.chaos.kills import kill_the_log
from tests.support import entry_document
from tests.town import SOURCE, Town, town
from tlog.audit.entry import new_entry_id

JSON = "application/json"
ROUNDS = 5
FLOOD = 300


def lines(*documents: object) -> bytes:
    """Return documents as NDJSON."""
    return "\n".join(json.dumps(document) for document in documents).encode()


def size_of(place: Town) -> int:
    """How many entries are stored, as the log's own figures say."""
    text = place.get("/metrics")[1].decode()
    name = 'tlog_tree_size{stage="sequenced"}'
    return int(float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name))))


@shows("append-is-durable")
def append_is_durable(folder: Path) -> str:
    """Kill the log the moment it has acknowledged, and find the entry after the restart."""
    with town(folder) as place:
        last = -1
        for _ in range(ROUNDS):
            entry_id = new_entry_id()
            answered = place.append(lines(entry_document(id=entry_id)))
            place.log.kill()
            place.restart_log()
            index = answered[0]["index"]
            assert isinstance(index, int)
            assert index > last
            last = index
            status, answer = place.get(f"/v1/entries/{index}", place.auditor)
            assert status == 200, answer
            assert json.loads(answer)["entry"]["id"] == entry_id
    return f"{ROUNDS} of {ROUNDS} entries there after kill -9 right behind their acknowledgement"


@shows("retry-gives-first-index")
def retry_gives_first_index(folder: Path) -> str:
    """Send the same entries again, together with a new one, and the same id with other content."""
    with town(folder) as place:
        known = [entry_document(id=new_entry_id()) for _ in range(50)]
        first = place.append(lines(*known))
        again = place.append(lines(*known, entry_document()))
        assert [e["index"] for e in again] == [*(e["index"] for e in first), 50]
        assert [e["duplicate"] for e in again] == [True] * 50 + [False]
        assert size_of(place) == 51
        status, answer = place.post(lines(known[0] | {"purpose": "something else"}))
        assert status == 409, answer
        assert size_of(place) == 51
    return "50 retries, 50 first indices; other content under a known id: 409"


@shows("kill-loses-nothing")
def kill_loses_nothing(folder: Path) -> str:
    """Five kills under load; the test suite does 22."""
    result = kill_the_log(folder, kills=5)
    return f"5 kills, {result.acknowledged} acknowledged entries all there, {result.checkpoints} checkpoints consistent"


@shows("batch-is-all-or-nothing")
def batch_is_all_or_nothing(folder: Path) -> str:
    """One bad line at the start, in the middle and at the end of a batch of 1,000."""
    with town(folder) as place:
        for position in (0, 500, 999):
            batch = [entry_document() for _ in range(1000)]
            batch[position] = batch[position] | {"outcome": "perhaps"}
            status, answer = place.post(lines(*batch))
            assert status == 400, answer
            assert json.loads(answer)["errors"][0]["path"] == f"[{position}].outcome"
            assert size_of(place) == 0
        assert len(place.append(lines(*(entry_document() for _ in range(1000))))) == 1000
    return "3 batches of 1,000 with one bad line: 0 entries stored"


@shows("bad-input-is-named")
def bad_input_is_named(folder: Path) -> str:
    """Every kind of bad input gets an answer that says what and where, and changes nothing."""
    good = entry_document()
    twice = entry_document(id=new_entry_id())
    bad: list[tuple[str, bytes, int, str]] = [
        ("truncated", json.dumps(good).encode()[:-9], 400, ""),
        ("too large", json.dumps(good | {"details": {"x": "y" * 70_000}}).encode(), 400, "65536"),
        ("body too large", b"[" + b" " * (9 << 20) + b"]", 413, "8388608"),
        ("not UTF-8", json.dumps(good).encode().replace(b"treatment", b"\xff\xfe"), 400, ""),
        ("wrong types", lines(good | {"seq": "1", "actor": 7}), 400, "seq"),
        (
            "unknown fields",
            lines(good | {"colour": 1, "actor": {"type": "t", "id": "i", "shoe": 2}}),
            400,
            "actor.shoe",
        ),
        ("a missing field", lines({k: v for k, v in good.items() if k != "purpose"}), 400, "purpose"),
        ("an id twice", lines(twice, twice | {"seq": 10**6}), 400, "[1].id"),
        ("another source", lines(good | {"source": "elsewhere"}), 403, SOURCE),
        ("an empty body", b"", 400, ""),
        ("bad bytes", bytes(range(256)), 400, ""),
    ]
    with town(folder) as place:
        for name, body, code, clue in bad:
            status, answer = place.post(body, kind=JSON if b"\n" not in body else "application/x-ndjson")
            assert (status, clue in answer.decode()) == (code, True), f"{name}: {status} {answer[:300]!r}"
        denied = sum(code == 403 for _, _, code, _ in bad)  # which the log says itself
        with stalled(place):
            assert size_of(place) == denied
            assert len(place.append(lines(entry_document()))) == 1
    return f"{len(bad)} kinds refused, a stalled client left waiting, the log served on"


class stalled:  # noqa: N801 - reads as a sentence
    """A client that announces a body and never sends it."""

    def __init__(self, place: Town) -> None:
        host = urlsplit(place.log.url)
        self._socket = socket.create_connection((host.hostname or "", host.port or 0))
        head = f"POST /v1/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.token}\r\n"
        self._socket.sendall(f"{head}Content-Type: {JSON}\r\nContent-Length: 100\r\n\r\n{{".encode())

    def __enter__(self) -> None:
        """Hold the connection."""

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@shows("overload-is-said")
def overload_is_said(folder: Path) -> str:
    """A flood into a short queue: what is refused says when to come back and is not stored, the rest is."""
    with town(folder, max_pending_entries=8, max_group=2) as place:
        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(lambda _: post_once(place), range(FLOOD)))
        stored = sum(status == 201 for status, _ in answers)
        refused = [retry for status, retry in answers if status in (429, 503)]
        assert stored + len(refused) == FLOOD, sorted({status for status, _ in answers})
        assert refused, "the queue never was full"
        assert all(retry is not None and int(retry) >= 1 for retry in refused)
        assert size_of(place) == stored
    return f"{FLOOD} requests at once into a queue of 8: {stored} stored, {len(refused)} told when to come back"


def post_once(place: Town) -> tuple[int, str | None]:
    """Append one entry on a connection of its own; the status and its Retry-After."""
    host = urlsplit(place.log.url)
    connection = HTTPConnection(host.hostname or "", host.port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {place.token}", "Content-Type": JSON}
        connection.request("POST", "/v1/entries", json.dumps(entry_document()).encode(), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Retry-After")
    finally:
        connection.close()
