"""Checkpoints a second that one witness checks, remembers durably and cosigns, over many logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.figure import Figure
from bench.generator import load
from bench.load.job import http_request
from bench.quantile import quantile
from bench.run import Run
from tests.processes import start
from tests.town import witness_command
from tests.witness.log_simulator import LogSimulator
from witness.directory import create_directory, open_store
from witness.logs import LogSettings, add_log, pinned_state

LOGS = 100


def witness(run: Run) -> Iterator[Figure]:
    """Measure logs that grow one after the other's answer, each signing with both its keys."""
    updates = run.pick(50, 15)
    home = run.folder("witness") / "home"
    logs = [LogSimulator.make(f"log{number}.example/bench", updates) for number in range(LOGS)]
    _create(home, logs)
    queues = [_updates(log, updates) for log in logs]
    with closing(start(witness_command(home))) as program:
        answered, used = load(program, LOGS, queues)
    count = LOGS * updates
    yield Figure(
        "witness add-checkpoint",
        count / answered.seconds,
        "checkpoints/s cosigned",
        {"logs": LOGS, "checkpoints": count, "log keys": "Ed25519 and ML-DSA-44", "cosignatures": 2},
        {
            "p50 ms": quantile(answered.latencies, 0.5) * 1e3,
            "p99 ms": quantile(answered.latencies, 0.99) * 1e3,
            "cpu us/checkpoint": used.own / count * 1e6,
        },
    )


def _create(home: Path, logs: list[LogSimulator]) -> None:
    create_directory(home, "witness.example/bench")
    store = open_store(home)
    try:
        for log in logs:
            trusted = LogSettings(log.origin, (log.ed25519.vkey, log.ml_dsa_44.vkey))
            add_log(store, trusted, pinned_state(trusted, None))
    finally:
        store.close()


def _updates(log: LogSimulator, count: int) -> list[bytes]:
    return [http_request("POST", "/add-checkpoint", log.request(size - 1, size)) for size in range(1, count + 1)]
