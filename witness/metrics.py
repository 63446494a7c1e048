"""What `/metrics` shows. No label holds an origin: a value that clients choose would fill the memory."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one running witness, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tlog_witness_add_checkpoint_requests",
            "add-checkpoint requests by HTTP status",
            ["status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tlog_witness_add_checkpoint_seconds",
            "time from the whole request read to its answer",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        self.batch_requests = Histogram(
            "tlog_witness_batch_requests",
            "requests that shared one durable write",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self.ready = Gauge("tlog_witness_ready", "1 if a good request would be cosigned now", registry=self.registry)

    def text(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)
