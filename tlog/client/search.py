"""Look-up over HTTP: follow the pages, and check every entry against the leaf that came with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Raw, Struct

from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.client.entry_file import EntryFile, parse_entry_file
from tlog.errors import MalformedAnswer

MAX_PAGE: Final = 500


class _Page(Struct, frozen=True):
    entries: list[Raw]
    next: str | None
    scanned: int = 0


class _Item(Struct, frozen=True):
    index: int
    problem: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class FoundEntry:
    """One entry found: as the log sent it, and verified; or `problem`, why the log could not show it."""

    index: int
    document: Mapping[str, Any]
    file: EntryFile | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Entries of a page, newest first; `next` is the cursor of the following one, None at the end.

    `scanned` is how many entries the log looked at.
    """

    entries: list[FoundEntry]
    next: str | None
    scanned: int


async def search(
    client: LogClient, filters: Mapping[str, str], limit: int | None, cursor: str | None = None
) -> AsyncIterator[FoundPage]:
    """Yield pages until `limit` entries (None: all) were found or there are no more.

    Raises what the log refuses with; `MalformedAnswer` where its pages do not go down; `LeafMismatch` and
    `MalformedDisclosure` for an entry that is not the one of its leaf.
    """
    left, below = limit, None
    while left is None or left > 0:
        asked = MAX_PAGE if left is None else min(left, MAX_PAGE)
        body: dict[str, str | int] = {**filters, "limit": asked}
        if cursor is not None:
            body["cursor"] = cursor
        page = read_page(await client.search(body))
        below = _descending(page, below)
        if len(page.entries) > asked or (page.next is not None and page.next == cursor):
            raise MalformedAnswer("the log's pages of entries do not go on as they should")
        yield page
        cursor = page.next
        if cursor is None:
            return
        left = None if left is None else left - len(page.entries)


def read_page(data: bytes) -> FoundPage:
    """Return a page with its entries verified. Raises `MalformedAnswer`, `LeafMismatch`, `MalformedDisclosure`."""
    page = decode(data, _Page)
    return FoundPage([_found(bytes(raw)) for raw in page.entries], page.next, page.scanned)


def _found(data: bytes) -> FoundEntry:
    item = decode(data, _Item)
    document = json.loads(data)
    if item.problem is not None:
        return FoundEntry(item.index, document, None, f"{item.problem}: {item.detail}")
    file = parse_entry_file(data)
    file.verify(file.leaf)
    return FoundEntry(item.index, document, file, None)


def _descending(page: FoundPage, below: int | None) -> int | None:
    for entry in page.entries:
        if below is not None and entry.index >= below:
            raise MalformedAnswer("the log's pages of entries do not go down")
        below = entry.index
    return below
