"""Single `POST /add` a second from many clients at once, on a plain log of raw leaves."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.figure import Figure, Floor
from bench.generator import load
from bench.load.job import http_request
from bench.place import new_log
from bench.quantile import quantile
from bench.run import Run

CONNECTIONS = 256
LEAF_BYTES = 300
FLOOR = Floor(3_000)


def add(run: Run) -> Iterator[Figure]:
    """Measure with the quorum none."""
    leaves = run.pick(100_000, 15_000)
    random = Random(1)  # noqa: S311 - a load, not a secret
    with new_log(run.folder("add"), raw_leaves=True) as place:
        requests = [
            http_request("POST", "/add", random.randbytes(LEAF_BYTES), (place.authorization,)) for _ in range(leaves)
        ]
        answered, used = load(place.log, CONNECTIONS, [requests])
        behind = place.wait_published(leaves)
    yield Figure(
        "add",
        leaves / answered.seconds,
        "leaves/s durable",
        {"leaves": leaves, "bytes a leaf": LEAF_BYTES, "connections": CONNECTIONS, "quorum": "none"},
        {
            "p50 ms": quantile(answered.latencies, 0.5) * 1e3,
            "p99 ms": quantile(answered.latencies, 0.99) * 1e3,
            "serving cpu us/leaf": used.own / leaves * 1e6,
            "client cpu us/leaf": answered.cpu / leaves * 1e6,
            "published after s": behind,
        },
        FLOOR,
    )
