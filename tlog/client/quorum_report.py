"""By which members of a policy's quorum a checkpoint is witnessed: what the policy counts, not single keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tlog.client.utc import utc
from tlog.formats.policy import NONE, Group, Policy
from tlog.formats.quorum import printable, witnessing


@dataclass(frozen=True, slots=True)
class QuorumReport:
    """Of the `members` (witnesses or groups) of the quorum named `name`, at least `needed` must witness; `met` do.

    A quorum that is one witness is a group with that one member. Names are printable.
    """

    name: str
    needed: int
    met: tuple[str, ...]
    members: tuple[str, ...]

    def __str__(self) -> str:
        """Return "quorum met: w1, w2 (2 of 3, 2 needed)"."""
        return f"quorum met: {', '.join(self.met)} ({len(self.met)} of {len(self.members)}, {self.needed} needed)"


def quorum_report(policy: Policy, cosigned: Collection[bytes]) -> QuorumReport | None:
    """Return how the witnesses that cosigned meet the policy's quorum; None if it wants none."""
    if policy.quorum == NONE:
        return None
    one = Group(policy.quorum, 1, (policy.quorum,))
    group = next((group for group in policy.groups if group.name == policy.quorum), one)
    names = witnessing(policy.groups, cosigned)
    met = tuple(printable(member) for member in group.members if member in names)
    return QuorumReport(printable(group.name), group.threshold, met, tuple(map(printable, group.members)))


def quorum_detail(quorum: QuorumReport | None, cosigned: Mapping[bytes, int]) -> str:
    """Return, for people, what met the quorum and which cosignatures there are, with their POSIX seconds in UTC."""
    found = "the policy wants none" if quorum is None else str(quorum)
    by_time = sorted(cosigned.items(), key=lambda item: item[1])
    times = ", ".join(f"{printable(name)} at {utc(time)}" for name, time in by_time)
    return f"{found}; cosigned by {times}" if times else found
