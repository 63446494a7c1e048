"""Inclusion and consistency proofs a second on a large log: by the service's own code, and over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from bench.figure import Figure
from bench.generator import load
from bench.load.job import http_request
from bench.place import Place, served
from bench.quantile import quantile
from bench.run import Run
from tlog.cli.data_folder import open_folder
from tlog.service.log import Log

CONNECTIONS = 16


def proofs(run: Run) -> Iterator[Figure]:
    """Measure proofs at random places of the large log, its tiles in a folder."""
    count = run.pick(20_000, 3_000)
    yield from _in_process(run.large_log, run.large_size, count)
    yield from _over_http(run.large_log, run.large_size, count)


def _in_process(folder: Path, size: int, count: int) -> Iterator[Figure]:
    random = Random(1)  # noqa: S311 - a load, not a secret
    leaves = [(random.randrange(size), size) for _ in range(count)]
    sizes = [(old, random.randint(old, size)) for old in (random.randint(1, size) for _ in range(count))]
    with open_folder(folder) as opened:
        # A log opened anew for each: its cache of tiles is empty, and fills as a served log's does.
        yield _timed("inclusion", Log(opened.parts).proofs.inclusion, leaves, size)
        yield _timed("consistency", Log(opened.parts).proofs.consistency, sizes, size)


def _timed(kind: str, prove: Callable[[int, int], object], pairs: list[tuple[int, int]], size: int) -> Figure:
    times = []
    cpu = time.process_time()
    for pair in pairs:
        began = time.perf_counter()
        prove(*pair)
        times.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    times.sort()
    seen = _quantiles(times) | {"cpu us/proof": cpu / len(pairs) * 1e6}
    return Figure(f"{kind} proofs, in process", len(pairs) / sum(times), "proofs/s", _settings(size, len(pairs)), seen)


def _over_http(folder: Path, size: int, count: int) -> Iterator[Figure]:
    random = Random(2)  # noqa: S311 - a load, not a secret
    targets = {
        "inclusion": [f"/v1/proofs/inclusion?index={random.randrange(size)}&size={size}" for _ in range(count)],
        "consistency": [f"/v1/proofs/consistency?from={random.randint(1, size)}&to={size}" for _ in range(count)],
        "tlog-proof": [f"/v1/entries/{random.randrange(size)}/proof" for _ in range(count)],
    }
    with served(folder) as place:
        for kind, queue in targets.items():
            yield _asked(kind, place, queue, size)


def _asked(kind: str, place: Place, targets: list[str], size: int) -> Figure:
    requests = [http_request("GET", target, headers=(place.authorization,)) for target in targets]
    answered, used = load(place.log, CONNECTIONS, [requests])
    count = len(targets)
    seen = _quantiles(answered.latencies) | {"serving cpu us/proof": used.own / count * 1e6}
    settings = _settings(size, count) | {"connections": CONNECTIONS}
    return Figure(f"{kind} proofs, HTTP", count / answered.seconds, "proofs/s", settings, seen)


def _quantiles(ordered: list[float]) -> dict[str, float]:
    return {"p50 ms": quantile(ordered, 0.5) * 1e3, "p99 ms": quantile(ordered, 0.99) * 1e3}


def _settings(size: int, count: int) -> dict[str, object]:
    return {"leaves": size, "proofs": count}
