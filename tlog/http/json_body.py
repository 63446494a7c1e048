"""Request bodies that are one JSON object of a known shape."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from tlog.audit.entry import JSON
from tlog.audit.faults import collect_faults
from tlog.audit.strict_json import json_fault
from tlog.errors import Fault
from tlog.http.errors import RequestInvalid, UnsupportedMedia
from tlog.http.given_body import sends_json
from tlog.http.limits import BodyBudget

MAX_BYTES: Final = 32 << 10
Body = TypeVar("Body", bound=Struct)


async def read_json(request: web.Request, bodies: BodyBudget, client: str, shape: type[Body]) -> Body:
    """Return the body as `shape`. Raises `UnsupportedMedia`, `RequestInvalid` with every fault, what a lease does."""
    if not sends_json(request):
        raise UnsupportedMedia(f"send one object as {JSON}")
    with bodies.lease(client) as lease:
        data = await lease.read(request, MAX_BYTES)
    fault = json_fault(data)
    if fault is not None:
        raise RequestInvalid([Fault("", fault)])
    if faults := collect_faults(data, shape, numbers=True):
        raise RequestInvalid(faults)
    return msgspec.json.decode(data, type=shape)
