"""Counts answers while a load runs."""

from __future__ import annotations

import time
from collections import Counter

from bench.load.connection import Answer
from bench.load.job import Answered


class Tally:
    """The answers so far; made when the first request is due."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._cpu = time.process_time()
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._refusal = b""
        self.late = 0.0

    def add(self, answer: Answer, since: float) -> None:
        """Count an answer that was due to be asked for at `since` (`time.perf_counter`)."""
        self._latencies.append(time.perf_counter() - since)
        self._statuses[answer.status] += 1
        if answer.status >= 400 and not self._refusal:
            self._refusal = answer.body[:500]

    def result(self) -> Answered:
        """Return everything, once the last answer is there."""
        return Answered(
            seconds=time.perf_counter() - self._began,
            statuses=dict(self._statuses),
            latencies=sorted(self._latencies),
            cpu=time.process_time() - self._cpu,
            late=self.late,
            refusal=self._refusal,
        )
