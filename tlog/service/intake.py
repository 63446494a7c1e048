"""What a request to append entries must be before anything is done with it: its form, its number, its source,
its retention class.

Pure: runs on the event loop for a small request and in a sealing process for a large one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tlog.audit.entry import MAX_FAULTS, NDJSON, Entry, parse_entries
from tlog.errors import EntryInvalid, Fault, Forbidden, TooLarge

MAX_ENTRIES: Final = 10_000
MAX_JSON_VALUES: Final = 500_000
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """A body as received (bytes, media type) and the sources that whoever sent it may append entries of."""

    body: bytes
    media_type: str
    sources: frozenset[str]


def read_request(request: AppendRequest, classes: Collection[str] = ()) -> list[Entry]:
    """Return the entries of a request, at least one, each with an id of its own.

    `classes` are the retention classes that are accepted; without any, all are.
    Raises `EntryInvalid` with every fault, `TooLarge`, `Forbidden` for an entry of another source.
    """
    _check_count(request.body, request.media_type)
    entries = parse_entries(request.body, request.media_type)
    _require_own(request.sources, entries)
    _refuse_repeated_ids(entries)
    if classes:
        _require_known_classes(request, entries, classes)
    return entries


def is_single(request: AppendRequest) -> bool:
    """Tell whether the body is one object, whose faults are named without a position."""
    return request.media_type != NDJSON and request.body.lstrip(b" \t\r\n")[:1] != b"["


def _check_count(body: bytes, media_type: str) -> None:
    """Refuse too many entries before each of them costs memory. What is not JSON is left to the parser."""
    if body.count(b",") > MAX_JSON_VALUES:
        raise TooLarge(f"over {MAX_JSON_VALUES} JSON values in one request; send fewer entries; nothing was stored")
    if media_type == NDJSON:
        count = body.removesuffix(b"\n").count(b"\n") + 1
    elif body.lstrip(b" \t\r\n")[:1] == b"[":
        count = _items(body)
    else:
        return
    if count > MAX_ENTRIES:
        raise TooLarge(f"{count} entries in one request, the limit is {MAX_ENTRIES}; nothing was stored")


def _items(body: bytes) -> int:
    try:
        return len(_decode_items(body))
    except (ValueError, RecursionError):
        return 0


def _require_own(sources: frozenset[str], entries: Sequence[Entry]) -> None:
    """Raise `Forbidden` unless every entry is of the sender's sources. Does not quote what they say instead."""
    others = [position for position, entry in enumerate(entries) if entry.source not in sources]
    if others:
        raise Forbidden(
            f"this token appends entries of {_named(sources)}; {len(others)} of {len(entries)} entries "
            f"(first: [{others[0]}]) name another source; nothing of this request was stored"
        )


def _named(sources: frozenset[str]) -> str:
    names = ", ".join(sorted(sources))
    return f"the source {names}" if len(sources) == 1 else f"the sources {names}"


def _refuse_repeated_ids(entries: Sequence[Entry]) -> None:
    first: dict[str, int] = {}
    faults = []
    for position, entry in enumerate(entries):
        earlier = first.setdefault(entry.id, position)
        if earlier != position:
            faults.append(Fault(f"[{position}].id", f"the same id as [{earlier}]; an id names one entry"))
    if faults:
        raise EntryInvalid(faults)


def _require_known_classes(request: AppendRequest, entries: Sequence[Entry], classes: Collection[str]) -> None:
    """Raise `EntryInvalid` for a class without a period: its entries would be kept for ever, or not long enough."""
    unknown = [position for position, entry in enumerate(entries) if entry.retention not in classes]
    if unknown:
        prefix = "" if is_single(request) else "[{}]."
        message = f"not a retention class of this log; it has {', '.join(sorted(classes))}"
        raise EntryInvalid([Fault(prefix.format(i) + "retention", message) for i in unknown[:MAX_FAULTS]])
