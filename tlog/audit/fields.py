"""The types of an audit entry's fields: the one place that says which values are acceptable.

Each type carries, besides the constraints that msgspec checks, a `description` that completes the sentence
"expected …" in a fault, and where a constraint cannot be said in msgspec's terms, a check in `extra`:

* `check`: a function of the decoded value that raises `ValueError` if it is not acceptable;
* `unique`: for an array of objects, the member whose value may occur only once.

Lengths are in Unicode characters. No single-line string may hold control characters (U+0000–U+001F, U+007F).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Raw

MAX_SEQ = 2**63 - 1
MAX_TARGETS = 512
MAX_SUBJECTS = 64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def microseconds(instant: str) -> int:
    """Return an `Instant` as microseconds since the epoch. ValueError where the calendar has no such time."""
    return (datetime.fromisoformat(instant) - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> str:
    """Return microseconds since the epoch as RFC 3339 in UTC with six decimals."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def check_instant(text: str) -> None:
    """Raise ValueError where the calendar has no such time (30 February, hour 24, second 60)."""
    datetime.fromisoformat(text)


def check_one_line(text: str) -> None:
    """Raise ValueError where the text holds a control character."""
    if _CONTROL.search(text):
        raise ValueError("a control character")


def check_object(raw: Raw) -> None:
    """Raise ValueError unless the JSON text is an object."""
    if memoryview(raw)[0] != ord("{"):
        raise ValueError("not a JSON object")


SchemaVersion = Annotated[Literal[1], Meta(description="the schema version 1 (an integer)")]

EntryId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z",
        description="a UUIDv7 in lower case, such as 019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11",
    ),
]

SourceName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z",
        description="a source name of 1 to 64 characters a-z 0-9 . _ - that starts and ends with a letter or digit",
    ),
]

Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ, description="an integer from 0 to 2^63-1")]

Instant = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z\Z",
        description="an existing RFC 3339 time in UTC ending in Z with at most six decimals, "
        "such as 2026-03-01T09:30:00.000000Z",
        extra={"check": check_instant},
    ),
]

Action = Annotated[
    str,
    Meta(
        max_length=128,
        pattern=r"^[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\Z",
        description="a dotted lower-case verb of at most 128 characters, such as patient.record.read",
    ),
]

Outcome = Annotated[Literal["allowed", "denied", "failed"], Meta(description='one of "allowed", "denied", "failed"')]

Crud = Annotated[
    Literal["create", "read", "update", "delete"],
    Meta(description='one of "create", "read", "update", "delete"'),
]

RetentionClass = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_-]{0,63}\Z",
        description="a retention class of 1 to 64 characters a-z 0-9 _ - that starts with a letter",
    ),
]

TypeName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_.:/-]{0,127}\Z",
        description="a type name of 1 to 128 characters A-Z a-z 0-9 _ . : / - that starts with a letter",
    ),
]

Identifier = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        description="a string of 1 to 512 characters on one line",
        extra={"check": check_one_line},
    ),
]

Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1024,
        description="a string of 1 to 1024 characters on one line",
        extra={"check": check_one_line},
    ),
]

IpAddress = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,16})?\Z",
        description="an IPv4 or IPv6 address",
    ),
]

JsonObject = Annotated[Raw, Meta(description="a JSON object", extra={"check": check_object})]
