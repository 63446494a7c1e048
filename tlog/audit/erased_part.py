"""What the log says of an erased part: which fields it held, when it was gone, and the entry of the log that says so.

None of it is proved by the entry's own leaf, whose digests only show that so many fields are missing. The entry that
is named is one of the log as any other: its proof and its content can be asked for and verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

Part = Annotated[str, Meta(pattern=r"\A(actor|shared|subjects\[(0|[1-9][0-9]{0,3})\])\Z")]
Time = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z\Z")]
ActName = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Index = Annotated[int, Meta(ge=0)]
_FIELDS: Final = {"shared": ("targets", "details", "correlation")}


class ErasedPart(Struct, frozen=True):
    """One erased part by its label. `at` (RFC 3339) and `index` are None while the act `act` is under way."""

    part: Part
    act: ActName
    at: Time | None = None
    index: Index | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The members of an entry that such a part holds; of the shared part, an entry may have had only some."""
        return _FIELDS.get(self.part, (self.part,))

    def text(self) -> str:
        """Return it in words."""
        when = "" if self.at is None else f" at {self.at}"
        by = "an act under way" if self.index is None else f"entry {self.index} of the log"
        return f"{', '.join(self.fields)}: erased{when} by {by} (act {self.act})"

    def values(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"part": self.part, "fields": list(self.fields), "act": self.act, "at": self.at, "index": self.index}


def said_of(digests: int, parts: Sequence[ErasedPart]) -> list[str]:
    """Return what is said of erased fields in words, a line each; `digests` is how many fields are missing."""
    if digests and not parts:
        return ["which fields were erased, when and by which entry is not said"]
    return [part.text() for part in parts]
