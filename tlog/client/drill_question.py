"""What a regulator would know of a record, and ask: a person, or what was acted on, and about when; no index, no id.

An entry is asked for by each of its three kinds of ids, because each has its own index that may be damaged: by a
subject and by a target within a day that holds it somewhere, by its actor, who may act all day long, within an hour.
The log's own entries are asked for with their source, as everybody must who looks for them: other look-ups leave them
out. What was erased can't be asked for. Of an entry that names nobody any more, source and action are what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tlog.audit.fields import instant, microseconds

DAY: Final = 86_400_000_000
OWN_SOURCE: Final = "tlog"
HOUR: Final = 3_600_000_000
_FIRST: Final = microseconds("0001-01-01T00:00:00Z")
_LAST: Final = microseconds("9999-12-31T23:59:59Z")


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """A look-up: what to ask for by the names of POST /v1/entries/search, within [`start`, `end`), microseconds."""

    values: Mapping[str, str]
    start: int
    end: int

    def __repr__(self) -> str:
        return f"<Question by {', '.join(self.values)}>"

    def filters(self) -> dict[str, str]:
        """Return the members of a body of POST /v1/entries/search."""
        return {**self.values, "occurred_from": instant(self.start), "occurred_to": instant(self.end)}


def questions(entry: Mapping[str, Any], rng: Random) -> list[Question]:
    """Return the questions that must each find this entry, at least one. `entry` is as GET /v1/entries/{index} says."""
    moment = microseconds(entry["occurred_at"])
    own = {"source": OWN_SOURCE} if entry["source"] == OWN_SOURCE else {}
    found = [_around(moment, values | own, width, rng) for values, width in _known(entry, rng)]
    what = {"source": str(entry["source"]), "action": str(entry["action"])}
    return found or [_around(moment, what, HOUR, rng)]


def _known(entry: Mapping[str, Any], rng: Random) -> Iterator[tuple[dict[str, str], int]]:
    subjects = [subject for subject in entry.get("subjects") or () if subject]
    if subjects:
        yield {"subject": rng.choice(subjects)["id"]}, DAY
    targets = entry.get("targets") or ()
    if targets:
        target = rng.choice(targets)
        yield {"target_type": target["type"], "target_id": target["id"]}, DAY
    actor = entry.get("actor") or {}
    if "type" in actor and "id" in actor:
        yield {"actor_type": actor["type"], "actor_id": actor["id"]}, HOUR


def _around(moment: int, values: Mapping[str, str], width: int, rng: Random) -> Question:
    start = max(_FIRST, moment - rng.randrange(width))
    return Question(values, start, min(_LAST, start + width))
