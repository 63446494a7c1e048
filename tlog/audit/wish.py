"""What of an entry its evidence shows: fields and groups of them, named as in an entry.

`core` is when, what, by which source, why and on what authority, `all` everything; `actor` means `actor.id`,
`actor.name` and so on, `subjects` every subject, `subjects[1]` that one. A name that no entry can have is refused: a
redaction that silently hid nothing would lay open what its writer meant to hide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tlog.audit.layout import may_hold
from tlog.audit.part import ACTOR, CORE, SHARED
from tlog.errors import BadRequest

ALL: Final = "all"
SUBJECTS: Final = "subjects"
_GROUPS: Final = frozenset({CORE, ACTOR, SUBJECTS, "authorization", "correlation"})
_SUBJECT = re.compile(r"subjects\[(0|[1-9][0-9]?)\]")


@dataclass(frozen=True, slots=True)
class Wish:
    """Fields and groups to show, and to take out of those again."""

    disclose: Sequence[str] = (CORE,)
    redact: Sequence[str] = ()

    def check(self) -> None:
        """Raise `BadRequest` for a name that means no field."""
        for wish, names in (("disclose", self.disclose), ("redact", self.redact)):
            unknown = [name for name in names if not (_is_known(name) or (wish == "disclose" and name == ALL))]
            if unknown:
                raise BadRequest(
                    f"{wish}: {len(unknown)} of the names mean no field; fields are named as in an entry (actor.id, "
                    f"subjects[0], targets), groups core, actor, subjects, authorization, correlation"
                )

    def hides(self, name: str) -> bool:
        """Tell whether a field is not shown."""
        if any(_means(wanted, name) for wanted in self.redact):
            return True
        return ALL not in self.disclose and not any(_means(wanted, name) for wanted in self.disclose)


def _means(wanted: str, name: str) -> bool:
    if wanted == CORE:
        return may_hold(CORE, name)
    return wanted in {name, name.partition(".")[0], name.partition("[")[0]}


def _is_known(name: str) -> bool:
    if name in _GROUPS or _SUBJECT.fullmatch(name):
        return True
    return any(may_hold(label, name) for label in (CORE, ACTOR, SHARED))
