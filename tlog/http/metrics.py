"""What `/metrics` shows, in a registry of its own for each application.

No label holds anything a client chooses: labels are route templates, methods, statuses, the slugs of
`problem.KINDS` and the witnesses of the policy. Nothing names a person, a source or an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tlog.service.log import Log

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counts what the routes do. Belongs to one event loop, but for `text`, which blocks."""

    def __init__(self, log: Log) -> None:
        self.registry = CollectorRegistry()
        self.appended = Counter("tlog_appended", "entries and leaves stored", registry=self.registry)
        self.duplicates = Counter("tlog_duplicates", "entries that were stored already, by id", registry=self.registry)
        self._refused = Counter(
            "tlog_refused", "requests refused, by the end of their problem type", ["reason"], registry=self.registry
        )
        self._seconds = Histogram(
            "tlog_http_request_seconds",
            "time from a request's headers read to its answer made, by route template",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self.registry.register(_LogCollector(log))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is a template, `method` one that the application serves."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._seconds.labels(method, route, status)
        child.observe(seconds)

    def count_refusal(self, reason: str) -> None:
        """Count one refusal by its problem's slug."""
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """Return the Prometheus text format. Reads the database."""
        return generate_latest(self.registry)


class _LogCollector(Collector):
    """Reads the log's own figures when they are asked for."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        log = self._log
        yield _gauge("tlog_queue_entries", "entries accepted and not yet durable", log.sequencer.pending_entries)
        yield _gauge("tlog_queue_bytes", "bytes of requests not yet durable", log.sequencer.pending_bytes)
        state = log.store.state()
        sizes = GaugeMetricFamily("tlog_tree_size", "leaves by stage", labels=["stage"])
        sizes.add_metric(["sequenced"], state.size)
        sizes.add_metric(["integrated"], state.integrated_size)
        publisher = getattr(log, "publisher", None)
        sizes.add_metric(["witnessed"], max(publisher.witnessed.size, 0) if publisher else 0)
        yield sizes
        if log.notes is not None:
            yield _gauge("tlog_notes_unlogged", "notes of the command line that are not logged", log.notes.unlogged())
        yield _gauge("tlog_halted", "1 if the log stopped signing", bool(publisher and publisher.halted))
        yield from self._witnesses()
        yield from self._retention()
        yield from self._drill()

    def _witnesses(self) -> Iterable[Metric]:
        size = GaugeMetricFamily("tlog_witness_size", "tree size last cosigned", labels=["witness"])
        seconds = GaugeMetricFamily(
            "tlog_witness_cosigned_timestamp_seconds", "POSIX time of the last cosignature", labels=["witness"]
        )
        witnesses = getattr(self._log, "witnesses", None)
        for url, status in witnesses.status.items() if witnesses else ():
            size.add_metric([url], status.size)
            seconds.add_metric([url], (status.cosigned_at or 0) / 1_000_000)
        yield size
        yield seconds

    def _retention(self) -> Iterable[Metric]:
        scheduler = self._log.scheduler
        if scheduler is None:
            return
        retention = self._log.retention
        paused = retention is not None and retention.paused() is not None
        yield _gauge("tlog_retention_paused", "1 if nothing expires by itself, after a restore", paused)
        last = (scheduler.last_run or 0) / 1_000_000
        yield _gauge("tlog_retention_last_run_timestamp_seconds", "POSIX time of the last run that ended well", last)
        yield CounterMetricFamily("tlog_retention_failures", "runs that failed", value=scheduler.failures)
        yield CounterMetricFamily("tlog_retention_expired_cohorts", "cohorts expired", value=scheduler.expired)

    def _drill(self) -> Iterable[Metric]:
        schedule = self._log.drill_schedule
        last = (schedule.last_run or 0) / 1_000_000
        yield _gauge("tlog_drill_last_run_timestamp_seconds", "POSIX time of the log's own last drill", last)
        missed = schedule.passed is False
        yield _gauge("tlog_drill_missed", "1 if that drill missed a record or found rows missing", missed)
        yield CounterMetricFamily("tlog_drill_failures", "own drills that could not be run", value=schedule.failures)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
