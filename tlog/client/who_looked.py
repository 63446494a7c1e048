"""Who looked, over HTTP: every page of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from msgspec import Struct

from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.errors import MalformedAnswer

MAX_PAGE: Final = 500


class ActorSaid(Struct, frozen=True):
    """Who looked; empty where that was erased."""

    type: str
    id: str
    name: str | None = None


class AccessSaid(Struct, frozen=True):
    """Somebody looked: as `POST /v1/access/search` answers."""

    index: int
    at: str
    actor: ActorSaid
    action: str
    outcome: str
    operation: str | None
    shown: list[int]
    by_name: bool


class AccessPageSaid(Struct, frozen=True):
    """A page, newest first; `next` is where the following one begins, None at the end."""

    accesses: list[AccessSaid]
    next: int | None
    entries: int
    entries_or_more: bool


async def who_looked(client: LogClient, asked: Mapping[str, Any], limit: int) -> AsyncIterator[AccessPageSaid]:
    """Yield pages until `limit` accesses were found or there are no more.

    `asked` names a `subject` or an `index`. Raises what the log refuses with; `MalformedAnswer` where its pages do not
    go down.
    """
    before: int | None = None
    while limit > 0:
        place = {} if before is None else {"before": before}
        body = {**asked, **place, "limit": min(limit, MAX_PAGE)}
        page = decode(await client.post_json("v1/access/search", body), AccessPageSaid)
        yield page
        limit -= len(page.accesses)
        if page.next is None:
            return
        if before is not None and page.next >= before:
            raise MalformedAnswer("the log's pages do not go on")
        before = page.next
