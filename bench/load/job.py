"""What a load generator is told to do, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, each the whole bytes of one HTTP/1.1 request, in queues.

    Connection i sends the requests of queue `i % len(queues)`, one at a time: one queue is shared by all, one
    queue for each connection keeps an order. With a `rate` (requests a second) the only queue is sent by the
    clock instead, whatever is still unanswered.
    """

    host: str
    port: int
    connections: int
    queues: list[list[bytes]]
    rate: float | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. Times in seconds.

    `latencies` are those of all requests, sorted. By the clock, they count from the moment a request was due,
    not from when it was sent. `late` is how far behind its clock the generator itself was at worst: where that
    is not small against the latencies, the generator was the bottleneck. `cpu` is its own processor time.
    """

    seconds: float
    statuses: dict[int, int]
    latencies: list[float]
    cpu: float
    late: float = 0.0
    refusal: bytes = b""

    def count(self, *statuses: int) -> int:
        """How many answers had one of these statuses."""
        return sum(self.statuses.get(status, 0) for status in statuses)


def http_request(
    method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = (), host: str = "bench"
) -> bytes:
    """Return the bytes of an HTTP/1.1 request (RFC 9112)."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
