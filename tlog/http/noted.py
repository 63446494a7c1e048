"""What a handler says of its answer, for the entry that logs the request: which entries it shows, whom it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from tlog.service.principal import Principal


@dataclass(slots=True)
class Noted:
    """Collected while a request is handled. `read`: something was shown, or asked for, that no act logs by itself."""

    indices: list[int] = field(default_factory=list)
    person: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    read: bool = False


PRINCIPAL = web.RequestKey("principal", Principal)
NOTED = web.RequestKey("noted", Noted)


def principal_of(request: web.Request) -> Principal:
    """Return who asks. Only for handlers of guarded routes."""
    return request[PRINCIPAL]


def note_read(
    request: web.Request,
    indices: Iterable[int] = (),
    *,
    person: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Say which entries the answer shows, and the number of the key of a data subject that was looked up by name.

    `details` must hold nothing personal: they stay in the log.
    """
    noted = request[NOTED]
    noted.read = True
    noted.indices.extend(indices)
    noted.person = person if person is not None else noted.person
    noted.details.update(details or {})


def note_waiting(request: web.Request, acts: Iterable[bytes]) -> None:
    """Say that acts, by their ids, wait for a second person: nothing is done yet, so only the guard logs who asked."""
    waiting = [str(UUID(bytes=act)) for act in acts]
    if waiting:
        note_read(request, details={"waiting": waiting})
