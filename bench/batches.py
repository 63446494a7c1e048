"""Audit entries a second, durable, in NDJSON batches of 1,000: sealed, encrypted, published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cpu_time import CpuTime
from bench.figure import Figure, Floor
from bench.generator import load
from bench.load.job import Answered, http_request
from bench.place import Place, new_log
from bench.quantile import quantile
from bench.run import Run
from bench.sample_entries import ndjson_batches
from tlog.audit.entry import NDJSON

BATCH = 1_000
WARM_UP = 2  # batches that are not counted: the sealing process starts, the first persons get their keys
CONNECTIONS = 8
FLOOR = Floor(5_000)


def batches(run: Run) -> Iterator[Figure]:
    """Measure with the quorum none, and with three witnesses of which two must sign."""
    bodies = ndjson_batches(run.pick(100, 20) + WARM_UP, BATCH)
    for witnesses, quorum in ((0, 0), (3, 2)):
        name = f"batches, {witnesses} witnesses"
        with new_log(run.folder(name), witnesses, quorum) as place:
            yield _measure(name, place, bodies, {"witnesses": witnesses, "quorum": quorum or "none"})


def append_batches(place: Place, bodies: list[bytes]) -> tuple[Answered, CpuTime]:
    """Append NDJSON bodies as fast as the log takes them; return the answers and the log's processor time."""
    headers = (place.authorization, ("Content-Type", NDJSON))
    requests = [http_request("POST", "/v1/entries", body, headers) for body in bodies]
    return load(place.log, CONNECTIONS, [requests])


def _measure(name: str, place: Place, bodies: list[bytes], policy: dict[str, object]) -> Figure:
    append_batches(place, bodies[:WARM_UP])
    answered, used = append_batches(place, bodies[WARM_UP:])
    entries = (len(bodies) - WARM_UP) * BATCH
    size = round(sum(map(len, bodies)) / (len(bodies) * BATCH))
    settings = {"entries": entries, "batch": BATCH, "bytes an entry": size, "connections": CONNECTIONS, **policy}
    seen = _seen(answered, used, entries) | {"published after s": place.wait_published(len(bodies) * BATCH)}
    return Figure(name, entries / answered.seconds, "entries/s durable", settings, seen, FLOOR)


def _seen(answered: Answered, used: CpuTime, entries: int) -> dict[str, float]:
    return {
        "batch p50 ms": quantile(answered.latencies, 0.5) * 1e3,
        "batch p99 ms": quantile(answered.latencies, 0.99) * 1e3,
        "serving cpu us/entry": used.own / entries * 1e6,
        "sealing cpu us/entry": used.children / entries * 1e6,
        "client cpu us/entry": answered.cpu / entries * 1e6,
    }
