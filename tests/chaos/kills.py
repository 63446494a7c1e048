"""kill -9 of the log at random points under load: nothing acknowledged is lost, nothing is signed twice.

Clients append with ids of their own and note every acknowledged (id, index). The log is killed again and
again, at moments that a seed decides, and started again by the test as a supervisor would. Afterwards every
note must still hold, and every checkpoint that anybody saw must be of one history.
"""

from __future__ import annotations

import json
import random
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from itertools import count, pairwise
from pathlib import Path

from tests.interop.served_log import request
from tests.processes import TLOG, run_json
from tests.support import entry_document
from tests.town import ORIGIN, Town, town
from tlog.audit.entry import new_entry_id
from tlog.formats.add_checkpoint import origin_hash
from tlog.formats.checkpoint import Checkpoint, parse_checkpoint
from tlog.formats.note import parse_note
from tlog.merkle.verify import verify_consistency

SEED = 20261122


class Client:
    """A service that appends without pause and retries what was not acknowledged."""

    def __init__(self, place: Town, numbers: Iterator[int], stop: threading.Event) -> None:
        self._place = place
        self._numbers = numbers
        self._stop = stop
        self._random = random.Random(SEED)
        self.acknowledged: dict[str, int] = {}
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._stop.is_set():
            documents = [
                entry_document(id=new_entry_id(), seq=next(self._numbers)) for _ in range(random.choice((1, 5, 60)))
            ]
            body = "\n".join(json.dumps(document) for document in documents).encode()
            while not self._send(body):
                if self._stop.wait(0.05):
                    return

    def _batch(self, entries: int) -> bytes:
        documents = [entry_document(id=new_entry_id(), seq=next(self._numbers)) for _ in range(entries)]
        return "\n".join(json.dumps(document) for document in documents).encode()

    def _send(self, body: bytes) -> bool:
        try:
            status, answer = self._place.post(body)
        except (OSError, HTTPException):
            return False
        if status == 503:
            return False
        if status not in (200, 201):
            self.wrong.append(f"{status}: {answer[:300]!r}")
            return True
        for entry in json.loads(answer)["entries"]:
            first = self.acknowledged.setdefault(entry["id"], entry["index"])
            if first != entry["index"]:
                self.wrong.append(f"{entry['id']} had index {first}, now {entry['index']}")
        return True


class Watcher:
    """Keeps every checkpoint that the log ever served or a witness ever cosigned."""

    def __init__(self, place: Town, stop: threading.Event) -> None:
        self._place = place
        self._stop = stop
        self.seen: dict[int, Checkpoint] = {}
        self.forks: list[str] = []

    def run(self) -> None:
        while not self._stop.wait(0.03):
            self.look()

    def look(self) -> None:
        urls = [monitored(witness.url) for witness in self._place.witnesses]
        for url in (f"{self._place.log.url}/checkpoint", *urls):
            self._look_at(url)

    def size_at(self, witness: str) -> int:
        """The size that a witness shows now, -1 where it shows none."""
        found = self._look_at(monitored(witness))
        return -1 if found is None else found.size

    def _look_at(self, url: str) -> Checkpoint | None:
        try:
            status, note = request("GET", url)
        except (OSError, HTTPException):
            return None
        if status != 200:
            return None
        checkpoint = parse_checkpoint(parse_note(note).text)
        self._keep(checkpoint)
        return checkpoint

    def _keep(self, checkpoint: Checkpoint) -> None:
        if self.seen.setdefault(checkpoint.size, checkpoint).root != checkpoint.root:
            self.forks.append(f"two roots of size {checkpoint.size}")


def monitored(witness: str) -> str:
    """Where a witness shows the last checkpoint of the town's log that it cosigned."""
    return f"{witness}/{origin_hash(ORIGIN)}/checkpoint"


@contextmanager
def threads(*runs: object) -> Iterator[None]:
    started = [threading.Thread(target=run, daemon=True) for run in runs]  # type: ignore[arg-type]
    for thread in started:
        thread.start()
    try:
        yield
    finally:
        for thread in started:
            thread.join(30)


@dataclass(frozen=True, slots=True)
class Survived:
    """How many entries were acknowledged, and how many different checkpoints anybody saw."""

    acknowledged: int
    checkpoints: int


def kill_the_log(folder: Path, kills: int) -> Survived:
    """Kill the log `kills` times under load and require that every promise held. AssertionError otherwise."""
    moments, stop = random.Random(SEED), threading.Event()
    with town(folder) as place:
        numbers = count()
        clients = [Client(place, numbers, stop) for _ in range(3)]
        watcher = Watcher(place, stop)
        with threads(watcher.run, *(client.run for client in clients)):
            for _ in range(kills):
                time.sleep(moments.uniform(0.0, 1.0))
                place.log.kill()
                place.restart_log()
            time.sleep(1)
            stop.set()
        assert [wrong for client in clients for wrong in client.wrong] == []
        acknowledged = {k: v for client in clients for k, v in client.acknowledged.items()}
        assert len(acknowledged) > kills * 5
        assert len(set(acknowledged.values())) == len(acknowledged), "an index was used twice"
        wait_until_witnessed(place, max(acknowledged.values()) + 1)
        watcher.look()
        require_entries(place, acknowledged)
        require_one_history(place, watcher)
        place.log.stop()
        report = run_json([*TLOG, "fsck", str(place.log_folder), "--json"])
        assert report["ok"] is True, report
        return Survived(len(acknowledged), len(watcher.seen))


def wait_until_witnessed(place: Town, size: int) -> None:
    deadline = time.monotonic() + 60
    while place.published_size() < size:
        assert time.monotonic() < deadline, place.log.stderr()[-3000:]
        time.sleep(0.05)


def require_entries(place: Town, acknowledged: dict[str, int]) -> None:
    chosen = random.Random(SEED).sample(sorted(acknowledged.items()), min(400, len(acknowledged)))
    for entry_id, index in chosen:
        status, answer = place.get(f"/v1/entries/{index}", place.auditor)
        assert status == 200, answer
        assert json.loads(answer)["entry"]["id"] == entry_id


def require_one_history(place: Town, watcher: Watcher) -> None:
    assert watcher.forks == []
    assert len(watcher.seen) > 3
    ordered = [watcher.seen[size] for size in sorted(watcher.seen)]
    for old, new in pairwise(ordered):
        status, answer = place.get(f"/v1/proofs/consistency?from={old.size}&to={new.size}")
        assert status == 200, answer
        proof = [b64decode(text, validate=True) for text in json.loads(answer)["hashes"]]
        verify_consistency(old.size, new.size, proof, old.root, new.root)
