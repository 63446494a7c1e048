"""From `--witness NAME=VKEY[,VKEY]@URL` and `--quorum K` to the witnesses, groups and quorum of a policy.

--witness w1=w1.example+…,w1.example+…@https://w1.example --quorum 1

witness w1-1 w1.example+… https://w1.example
witness w1-2 w1.example+… https://w1.example
group w1 all w1-1 w1-2                          a witness with several keys counts if all of them signed
group quorum 1 w1
quorum quorum
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tlog.errors import MalformedKey, MalformedPolicy
from tlog.formats.policy import NONE, Group, Policy, WitnessLine
from tlog.formats.vkey import parse_vkey

_OPTION = re.compile(r"(?P<name>[^=\s]+)=(?P<vkeys>\S+?)@(?P<url>https?://\S+)")
_QUORUM = b"quorum"


@dataclass(frozen=True, slots=True)
class Witness:
    """One `--witness`: its name, and its lines in the policy."""

    name: bytes
    lines: tuple[WitnessLine, ...]


def parse_witness(text: str) -> Witness:
    """Return the witness of one option. Raises `MalformedPolicy`."""
    found = _OPTION.fullmatch(text)
    if found is None:
        raise MalformedPolicy(f"--witness {text[:60]!r}: not NAME=VKEY[,VKEY]@URL with an http or https URL")
    name, vkeys, url = found["name"].encode("utf-8", "surrogateescape"), found["vkeys"].split(","), found["url"]
    try:
        keys = [parse_vkey(vkey) for vkey in vkeys]
    except MalformedKey as error:
        raise MalformedPolicy(f"--witness {found['name']}: {error}") from None
    if len(keys) == 1:
        return Witness(name, (WitnessLine(name, keys[0], url),))
    lines = (WitnessLine(b"%b-%d" % (name, number), vkey, url) for number, vkey in enumerate(keys, 1))
    return Witness(name, tuple(lines))


def witness_policy(options: Sequence[str], quorum: int | None) -> Policy:
    """Return a policy without log lines. `quorum` None needs more than half of the witnesses.

    Raises `MalformedPolicy`, also for a quorum that cannot be met.
    """
    witnesses = [parse_witness(text) for text in options]
    if not witnesses:
        if quorum is not None:
            raise MalformedPolicy("--quorum needs at least one --witness")
        return Policy((), (), (), NONE)
    needed = len(witnesses) // 2 + 1 if quorum is None else quorum
    if needed > len(witnesses):
        raise MalformedPolicy(f"--quorum {needed} can never be met by {len(witnesses)} witnesses")
    groups = [_all(witness) for witness in witnesses if len(witness.lines) > 1]
    groups.append(Group(_QUORUM, needed, tuple(witness.name for witness in witnesses)))
    lines = tuple(line for witness in witnesses for line in witness.lines)
    return Policy((), lines, tuple(groups), _QUORUM)


def _all(witness: Witness) -> Group:
    return Group(witness.name, len(witness.lines), tuple(line.name for line in witness.lines))
