"""What the log's HTTP interface answers, as far as a client needs it. Members it does not know are ignored."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from tlog.errors import MalformedAnswer

T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where one entry stands; `duplicate` if it was there already."""

    index: int
    id: str
    duplicate: bool


class Appended(Struct, frozen=True):
    """Every entry of the request is durable; `status` is the stage that all of them have reached."""

    status: str
    entries: list[Place]
    note: str | None = None


class InclusionProof(Struct, frozen=True):
    """RFC 6962 section 2.1.1; hashes in base64."""

    index: int
    size: int
    leaf_hash: str
    root: str
    hashes: list[str]


class ConsistencyProof(Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """RFC 6962 section 2.1.2; hashes in base64."""

    old: int
    new: int
    from_root: str
    to_root: str
    hashes: list[str]


class WitnessedCheckpoint(Struct, frozen=True):
    """A checkpoint the log says was witnessed; `note` is what to verify."""

    size: int
    note: str


class CheckpointPage(Struct, frozen=True):
    """Checkpoints by size; `next` is the `from` of the next page."""

    checkpoints: list[WitnessedCheckpoint]
    next: int | None


class FaultItem(Struct, frozen=True):
    """One fault of an entry."""

    path: str = ""
    detail: str = ""


class Problem(Struct, frozen=True):
    """RFC 9457 problem details."""

    type: str = ""
    title: str = ""
    detail: str = ""
    errors: list[FaultItem] = []


def decode(body: bytes, kind: type[T]) -> T:
    """Return an answer. Raises `MalformedAnswer`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedAnswer(f"the answer is not the {kind.__name__} of a log; is this URL that of a log?") from None
