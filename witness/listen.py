"""Where a witness listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from witness.keys import Identity


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to listen. Port 0 takes a free one. Times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: Path | None = None
    tls_key: Path | None = None
    body_seconds: float = 10
    idle_seconds: float = 75


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running witness listens, and who it is."""

    host: str
    port: int
    url: str
    identity: Identity
