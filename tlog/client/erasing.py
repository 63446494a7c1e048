"""Erasing a person over HTTP: what the log says of it, and waiting until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from tlog.client.answers import decode
from tlog.client.client import LogClient

_POLL_SECONDS: Final = 0.2


class ErasureSaid(Struct, frozen=True):
    """What `POST /v1/erasures` answers."""

    status: str
    act: str | None
    index: int | None
    entries: int
    parts: int
    other_subjects_affected: int
    held: list[int]
    first_received_at: str | None
    last_received_at: str | None


class ProgressSaid(Struct, frozen=True):
    """How far an act is."""

    phase: str
    done: int
    total: int


class ActSaid(Struct, frozen=True):
    """What `/v1/acts/{id}` answers. `said` is what is told of an act that is under way, to who may decide on it."""

    act: str
    kind: str
    state: str
    requested_at: str
    applied_at: str | None
    entries: int | None
    parts: int | None
    index: int | None
    progress: ProgressSaid | None
    said: dict[str, Any] | None = None


class ErasuresSaid(Struct, frozen=True):
    """What `GET /v1/erasures` answers."""

    erasures: list[ActSaid]
    next: int | None


class ActsSaid(Struct, frozen=True):
    """What `GET /v1/acts` answers."""

    acts: list[ActSaid]
    next: int | None


async def ask_erasure(client: LogClient, body: Mapping[str, object]) -> ErasureSaid:
    """Ask for an erasure, or with `dry_run` for what it would do. Asked again, it is the same one."""
    return decode(await client.post_json("v1/erasures", body), ErasureSaid)


async def read_act(client: LogClient, act: str) -> ActSaid:
    """Return how far an act is."""
    return decode(await client.get_json(f"v1/acts/{act}"), ActSaid)


async def read_acts(client: LogClient, kind: str | None = None, state: str | None = None) -> ActsSaid:
    """Return the newest acts, of one kind and in one state where those are given."""
    filters = {name: value for name, value in (("kind", kind), ("state", state)) if value is not None}
    return decode(await client.get_json("v1/acts", filters), ActsSaid)


async def decide(client: LogClient, act: str, decision: str) -> ActSaid:
    """Say as the second person `approve` or `decline`."""
    return decode(await client.post_json(f"v1/acts/{act}/{decision}", {}), ActSaid)


async def until_ended(client: LogClient, act: str, report: Callable[[ActSaid], None]) -> ActSaid:
    """Return an act that is begun once it has ended; `report` sees it on the way."""
    while (said := await read_act(client, act)).state in {"begun", "applied"}:
        report(said)
        await asyncio.sleep(_POLL_SECONDS)
    return said
