"""What keeps the log's history one: witnesses, checkpoints, rollback, audit."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from tests.accept.promises import shows
from tests.chaos.kills import Watcher, threads
from tests.chaos.rollback import copy_database, lines, put_back, require_halted
from tests.processes import TLOG, WITNESS, run
from tests.town import Town, town
from tlog.merkle.verify import verify_consistency


@shows("witness-needs-its-database")
def witness_needs_its_database(folder: Path) -> str:
    """Remove it, and put another witness's in its place."""
    for name in ("w", "other"):
        run([*WITNESS, "init", str(folder / name), "--name", f"{name}.example"])
    (folder / "w/witness.sqlite3").unlink()
    run([*WITNESS, "serve", str(folder / "w"), "--port", "0"], code=1)
    assert not (folder / "w/witness.sqlite3").exists(), "it made a new one"
    shutil.copy(folder / "other/witness.sqlite3", folder / "w/witness.sqlite3")
    run([*WITNESS, "serve", str(folder / "w"), "--port", "0"], code=1)
    return "missing: exit 1, none made; of another key: exit 1"


@shows("witness-never-goes-back")
def witness_never_goes_back(folder: Path) -> str:
    """Kill one witness again and again while the log feeds it; its checkpoints only grow and are one history."""
    moments, stop = random.Random(7), threading.Event()
    with town(folder, checkpoint_interval=0.05) as place:
        watcher = Watcher(place, stop)
        sizes: list[int] = []

        def feed() -> None:
            while not stop.is_set():
                place.append(lines(3))
                time.sleep(0.05)

        with threads(feed, watcher.run):
            for _ in range(5):
                time.sleep(moments.uniform(0.1, 0.6))
                place.witnesses[0].kill()
                place.restart_witness(0)
                time.sleep(0.5)
                sizes.append(watcher.size_at(place.witnesses[0].url))
            stop.set()
        assert watcher.forks == []
        assert sizes == sorted(sizes), sizes
        require_consistent(place, watcher)
        return f"5 kills, cosigned sizes {sizes[0]} to {sizes[-1]}, {len(watcher.seen)} checkpoints of one history"


@shows("one-checkpoint-a-size")
def one_checkpoint_a_size(folder: Path) -> str:
    """Read the whole published history and check each pair of neighbours with a consistency proof."""
    with town(folder, checkpoint_interval=0.05) as place:
        for _ in range(12):
            place.append(lines(random.Random(3).randint(1, 40)), "?wait=witnessed")
        status, answer = place.get("/v1/checkpoints?limit=500")
        assert status == 200
        found = json.loads(answer)["checkpoints"]
        sizes = [checkpoint["size"] for checkpoint in found]
        assert sizes == sorted(set(sizes))
        for old, new in pairwise(found):
            consistent(place, (old["size"], b64decode(old["root"])), (new["size"], b64decode(new["root"])))
    return f"{len(found)} checkpoints, sizes {sizes[0]} to {sizes[-1]}, every neighbouring pair consistent"


@shows("rollback-is-noticed")
def rollback_is_noticed(folder: Path) -> str:
    """Yesterday's database: the log must not append or sign on top of it."""
    with town(folder) as place:
        place.append(lines(20), "?wait=witnessed")
        copy_database(place, folder / "yesterday.db")
        place.append(lines(30), "?wait=witnessed")
        place.log.kill()
        put_back(place, folder / "yesterday.db")
        place.restart_log()
        require_halted(place.log, place)
        status, answer = place.post(lines(1))
        assert (status, b"rolled back" in answer) == (503, True), answer
        assert place.published_size() == 20
    return "put back from 50 to 20 entries: appends 503, nothing signed, the reason names witness and size"


CHANGES: dict[str, Callable[[Path], None]] = {
    "a leaf": lambda log: sql(log, "UPDATE entries SET leaf = zeroblob(32) WHERE log_index = 3"),
    "a sealed part": lambda log: sql(log, "UPDATE entries SET core = zeroblob(90) WHERE log_index = 3"),
    "a removed entry": lambda log: sql(log, "DELETE FROM entries WHERE log_index = 29"),
    "a checkpoint": lambda log: sql(log, "UPDATE checkpoints SET root = zeroblob(32) WHERE size = 20"),
    "a tile": lambda log: flip(log / "tiles/tile/0/000.p/30"),
    "a bundle": lambda log: flip(log / "tiles/tile/entries/000.p/30"),
}


@shows("fsck-finds-changes")
def fsck_finds_changes(folder: Path) -> str:
    """A clean log passes; each change to a copy of it fails."""
    with town(folder) as place:
        place.append(lines(20), "?wait=witnessed")
        place.append(lines(10), "?wait=witnessed")
        place.log.stop()
        run([*TLOG, "fsck", str(place.log_folder)])
        for name, change in CHANGES.items():
            copy = folder / "copy"
            shutil.copytree(place.log_folder, copy)
            change(copy)
            assert name
            run([*TLOG, "fsck", str(copy)], code=1)
            shutil.rmtree(copy)
    return f"clean: exit 0; {', '.join(CHANGES)}: exit 1 each"


def sql(log: Path, statement: str) -> None:
    """Change the database behind the log's back."""
    connection = sqlite3.connect(log / "log.db")
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def flip(path: Path) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def consistent(place: Town, old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
    """Fetch a consistency proof and verify it here."""
    status, answer = place.get(f"/v1/proofs/consistency?from={old[0]}&to={new[0]}")
    assert status == 200, answer
    proof = [b64decode(text, validate=True) for text in json.loads(answer)["hashes"]]
    verify_consistency(old[0], new[0], proof, old[1], new[1])


def require_consistent(place: Town, watcher: Watcher) -> None:
    """Every checkpoint that was seen anywhere extends the one before."""
    ordered = [watcher.seen[size] for size in sorted(watcher.seen)]
    for old, new in pairwise(ordered):
        consistent(place, (old.size, old.root), (new.size, new.root))
