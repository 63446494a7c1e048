"""From an append to its entry being under a witnessed checkpoint, at a steady rate of single entries."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.cpu_time import CpuTime
from bench.figure import Figure, Floor
from bench.generator import LoadFailed, load
from bench.load.job import Answered, http_request
from bench.place import Place, new_log
from bench.quantile import quantile
from bench.run import Run
from bench.sample_entries import entry
from tlog.audit.entry import JSON
from tlog.service.settings import LogSettings

RATE = 500.0
CONNECTIONS = 512
WITNESSES, QUORUM = 3, 2
FLOOR = Floor(2.0, at_most=True)


def latency(run: Run) -> Iterator[Figure]:
    """Measure with three witnesses of which two must sign."""
    seconds = run.pick(30, 6)
    with new_log(run.folder("latency"), WITNESSES, QUORUM) as place:
        requests = _requests(place, int(RATE * seconds))
        answered, used = load(place.log, CONNECTIONS, [requests], RATE)
    if unwitnessed := answered.count(202):
        raise LoadFailed(f"{unwitnessed} entries were not witnessed within the server's own limit")
    yield _figure(answered, used, seconds)


def _requests(place: Place, count: int) -> list[bytes]:
    random = Random(1)  # noqa: S311 - a load, not a secret
    headers = (place.authorization, ("Content-Type", JSON))
    target = "/v1/entries?wait=witnessed&timeout=60"
    return [http_request("POST", target, entry(random, number), headers) for number in range(count)]


def _figure(answered: Answered, used: CpuTime, seconds: int) -> Figure:
    count = len(answered.latencies)
    return Figure(
        "append to witnessed, p99",
        quantile(answered.latencies, 0.99),
        "s",
        {
            "rate": RATE,
            "seconds": seconds,
            "witnesses": WITNESSES,
            "quorum": QUORUM,
            "checkpoint interval": LogSettings().checkpoint_interval,
        },
        {
            "p50 s": quantile(answered.latencies, 0.5),
            "p95 s": quantile(answered.latencies, 0.95),
            "max s": answered.latencies[-1],
            "answered/s": count / answered.seconds,
            "generator late s": answered.late,
            "serving cpu us/entry": used.own / count * 1e6,
            "client cpu us/entry": answered.cpu / count * 1e6,
        },
        FLOOR,
    )
