"""What appends and look-ups answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from tlog.http.answers.answer import Answer, Base64, Size, Time


class StoredEntryPlace(Answer, frozen=True, kw_only=True):
    """Where one entry of the request stands; `duplicate` if it was there already."""

    index: Size
    id: str
    duplicate: bool


class Appended(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Every entry of the request is durable; `status` is the stage all of them have reached."""

    status: Literal["durable", "integrated", "witnessed"]
    entries: list[StoredEntryPlace]
    note: str | None = None


class ErasedPartAnswer(Answer, frozen=True, kw_only=True):
    """A part that was erased: by which act, when it was gone, and the index of the act's own entry.

    Both are null while the act is under way."""

    part: str
    act: str
    at: Time | None
    index: Size | None


class EntryAnswer(Answer, frozen=True, kw_only=True):
    """What can still be read of an entry.

    `disclosures` holds the text of each readable field by name. `erased` names the parts that are gone,
    `erased_digests` are what stands in their place. The SHA-256 digests of all disclosures with the
    erased ones make up `leaf`. `erasures` says for each part that is gone which act erased it.
    """

    index: Size
    leaf: Base64
    received_at: Time
    entry: dict[str, Any]
    disclosures: dict[str, str]
    erased: list[str]
    erased_digests: list[Base64]
    erasures: list[ErasedPartAnswer] = field(default_factory=list)
    expires_at: Time | None = None
    on_hold: bool = False


class EntryProblem(Answer, frozen=True, kw_only=True):
    """An entry that was found and can't be shown: the end of a problem type, and what is wrong."""

    index: Size
    problem: str
    detail: str


_ITEMS = {"items": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("EntryAnswer", "EntryProblem")]}}


class EntryPage(Answer, frozen=True, kw_only=True):
    """Entries that were looked for, newest logged first; one that is damaged is an `EntryProblem`.

    `next` is the `cursor` of the following page, null at the end: a page may be short, or empty, before it.
    `scanned` is how many candidates were looked at; for who may not see all of them, how many are shown.
    """

    entries: Annotated[list[Any], Meta(extra_json_schema=_ITEMS)]
    next: str | None
    scanned: Size
