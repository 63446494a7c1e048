"""An export as CSV (RFC 4180), for spreadsheets: one row for each thing said, all of the same columns.

The first column says what a row is:

    file           a line of the header; its name in `field`, its value in `text`
    summary        a count; what is counted in `field`, its value in `text`, then `entries`, `first`, `last`
    entry          an entry, in the columns of its fields
    unreadable     an entry that can't be read; why in `text`
    not-included   what is not in the file in `field`, and why in `text`

Every field is quoted; lines end in CRLF; a byte order mark comes first, by which spreadsheets know UTF-8. A field that
a spreadsheet could take for a formula (it begins with = + - @, their full-width forms, a tab or a line end) gets an
apostrophe in front (OWASP, "CSV injection"): where the exact text matters, take the JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import structs

from tlog.audit.subject_access import AccessEntry, Count, SubjectAccess
from tlog.audit.subject_access_summary import category

BOM: Final = "\ufeff"
COLUMNS: Final = (
    *("row", "field", "text"),
    *("index", "occurred_at", "received_at", "source", "action", "crud", "outcome", "purpose", "legal_basis"),
    *("actor", "own_name", "own_ip", "own_user_agent", "named_as", "data", "targets", "details", "others"),
    *("retention", "expires_at", "erased", "left_out", "entries", "first", "last"),
)
_HEADER: Final = (
    *("format", "origin", "made_at", "act", "subject", "known", "notice", "tree_size"),
    *("start", "end", "limited_to", "include_details"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NAMES: Final[Mapping[str, str]] = {"start": "from", "end": "to"}
_PLAIN: Final = (
    *("index", "occurred_at", "received_at", "source", "action", "crud", "outcome", "purpose", "legal_basis"),
    *("retention", "expires_at"),
)

Row = dict[str, str]


def encode_csv(export: SubjectAccess) -> bytes:
    """Return the CSV file's bytes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(export):
        writer.writerow({name: guarded(value) for name, value in row.items()})
    return (BOM + text.getvalue()).encode()


def guarded(value: str) -> str:
    """Return a field that no spreadsheet takes for a formula."""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def _rows(export: SubjectAccess) -> Iterator[Row]:
    for name in _HEADER:
        yield {"row": "file", "field": _NAMES.get(name, name), "text": _text(getattr(export, name))}
    for period in export.retention:
        yield {"row": "file", "field": f"retention {period.name}", "text": f"{period.months} months: {period.reason}"}
    for name, counts in structs.asdict(export.summary).items():
        yield from (_count(name, count) for count in counts)
    yield from (_entry(entry) for entry in export.entries)
    for item in export.unreadable:
        names = ("index", "received_at", "source", "action")
        yield {"row": "unreadable", "text": item.problem, **{name: _text(getattr(item, name)) for name in names}}
    yield from ({"row": "not-included", "field": left.what, "text": left.why} for left in export.not_included)


def _count(name: str, count: Count) -> Row:
    numbers = {"entries": str(count.entries), "first": count.first, "last": count.last}
    return {"row": "summary", "field": name, "text": _text(count.value), **numbers}


def _entry(entry: AccessEntry) -> Row:
    actor = entry.actor
    own = {} if actor is None else {f"own_{name}": _text(getattr(actor, name)) for name in ("name", "ip", "user_agent")}
    return {
        "row": "entry",
        **{name: _text(getattr(entry, name)) for name in _PLAIN},
        "actor": "" if actor is None else category(actor),
        **own,
        "named_as": ", ".join(entry.named_as),
        "data": _json(entry.data),
        "targets": _json([structs.asdict(target) for target in entry.targets]) if entry.targets else "",
        "details": _json(entry.details),
        "others": _text(entry.others),
        "erased": ", ".join(entry.erased),
        "left_out": ", ".join(entry.left_out),
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _json(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
