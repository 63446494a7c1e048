"""The quorum rule of a trust policy: groups of witnesses with thresholds (https://c2sp.org/tlog-policy).

Definition: a witness *witnesses* a checkpoint if it cosigned it; a group does if at least `threshold` of its
members do. A member is a witness or a group defined earlier, so groups form no circle and are decided in one
pass.

Example: with `Group(b"two", 2, (b"w1", b"w2", b"w3"))`,

    witnessing([two], {b"w1", b"w3"})     # {b"w1", b"w3", b"two"}
    shortfall(b"two", [two], {b"w1"})     # "two: 1 of the needed 2 cosigned; missing: w2, w3"
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

NONE: Final = b"none"


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of witnesses and earlier groups, of which `threshold` must witness. Checked by `Policy`."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


def witnessing(groups: Iterable[Group], cosigned: Collection[bytes]) -> frozenset[bytes]:
    """Return the names of all witnesses and groups that witness, given the witnesses that cosigned."""
    names = set(cosigned)
    for group in groups:
        if sum(member in names for member in group.members) >= group.threshold:
            names.add(group.name)
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a quorum is: its name, how many members it needs, and which of them witness."""

    name: bytes
    needed: int
    members: tuple[tuple[bytes, bool], ...]

    @property
    def have(self) -> int:
        """How many members witness."""
        return sum(witnesses for _, witnesses in self.members)

    @property
    def met(self) -> bool:
        """Whether they are enough."""
        return self.have >= self.needed


def standing(quorum: bytes, groups: Iterable[Group], cosigned: Collection[bytes]) -> Standing:
    """Return how far a quorum is, given the witnesses that cosigned; `none` needs nobody and has no members."""
    if quorum == NONE:
        return Standing(NONE, 0, ())
    rules = tuple(groups)
    names = witnessing(rules, cosigned)
    rule = next((g for g in rules if g.name == quorum), Group(quorum, 1, (quorum,)))
    return Standing(quorum, rule.threshold, tuple((member, member in names) for member in rule.members))


def shortfall(quorum: bytes, groups: Iterable[Group], cosigned: Collection[bytes]) -> str:
    """Return, for people, how far the quorum is from being met."""
    found = standing(quorum, groups, cosigned)
    missing = [printable(member) for member, witnesses in found.members if not witnesses]
    return f"{printable(quorum)}: {found.have} of the needed {found.needed} cosigned; missing: {', '.join(missing)}"


def printable(name: bytes) -> str:
    """Return an opaque name for a message: UTF-8 where it is, escapes where it is not."""
    return name.decode("utf-8", "backslashreplace")
