"""Trust policies: which logs, which witnesses, and how many of them (https://c2sp.org/tlog-policy).

Grammar, one item a line, fields separated by spaces and tabs:

    log     <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group   <name> ( all | any | <k> ) <name>...     1 <= k <= number of members
    quorum  ( <name> | none )                        exactly one
    # comment                                        a line of its own, white space may come before

Rules:

* The file is octets: tab, newline, 0x20-0x7E and 0x80-0xFF; names are opaque octets. The last line too ends
  with a newline, so that a file cut short is never read as another policy.
* What may stand beside what is in `policy_scope`, how a quorum is counted in `quorum`, and what a policy
  accepts in `trust_policy`.

Example:

    log example.com/log+…
    witness w1 w1.example+…
    witness w2 w2.example+…
    witness w3 w3.example+…
    group two-of-three 2 w1 w2 w3
    quorum two-of-three
"""

from __future__ import annotations

import re
from typing import Final

from tlog.errors import MalformedKey, MalformedPolicy
from tlog.formats.encoding import parse_decimal
from tlog.formats.policy_scope import LogLine, PolicyScope, WitnessLine, url_octets
from tlog.formats.quorum import NONE, Group, printable
from tlog.formats.trust_policy import Policy, VerifiedCheckpoint
from tlog.formats.vkey import VKey, parse_vkey

__all__ = [
    "NONE",
    "Group",
    "LogLine",
    "Policy",
    "VerifiedCheckpoint",
    "WitnessLine",
    "encode_policy",
    "parse_policy",
]

MAX_POLICY_BYTES: Final = 1 << 20
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def parse_policy(data: bytes) -> Policy:
    """Return the policy in a file's octets. Raises MalformedPolicy with the line's number, counted from 1."""
    if len(data) > MAX_POLICY_BYTES:
        raise MalformedPolicy(f"policy: {len(data)} bytes, more than {MAX_POLICY_BYTES}")
    if data and not data.endswith(b"\n"):
        raise MalformedPolicy("policy: the last line does not end with a newline; is the file cut short?")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            reader.read(line)
        except (MalformedPolicy, MalformedKey) as fault:
            raise MalformedPolicy(f"policy line {number}: {fault}") from None
    return reader.policy()


def encode_policy(policy: Policy) -> bytes:
    """Return a policy file that parses to `policy`; thresholds are written as numbers."""
    lines = [_fields(b"log", log.vkey, log.url) for log in policy.logs]
    lines += [_fields(b"witness " + witness.name, witness.vkey, witness.url) for witness in policy.witnesses]
    lines += [b"group %b %d %b" % (g.name, g.threshold, b" ".join(g.members)) for g in policy.groups]
    lines.append(b"quorum " + policy.quorum)
    return b"".join(line + b"\n" for line in lines)


def _fields(start: bytes, vkey: VKey, url: str | None) -> bytes:
    return b" ".join((start, vkey.encode().encode(), *([] if url is None else [url_octets(url)])))


class _Reader:
    """Reads lines in order. Each method takes the fields after the keyword."""

    def __init__(self) -> None:
        self._scope = PolicyScope()
        self._logs: list[LogLine] = []
        self._witnesses: list[WitnessLine] = []
        self._groups: list[Group] = []
        self._quorum: bytes | None = None

    def read(self, line: bytes) -> None:
        """Take in one line, without its newline."""
        if found := _FORBIDDEN.search(line):
            raise MalformedPolicy(f"octet 0x{found[0].hex()} at column {found.start() + 1} is not allowed")
        keyword, *fields = re.split(rb"[ \t]+", line.strip(b" \t"))
        if not keyword or keyword.startswith(b"#"):
            return
        match keyword:
            case b"log":
                self._log(fields)
            case b"witness":
                self._witness(fields)
            case b"group":
                self._group(fields)
            case b"quorum":
                self._set_quorum(fields)
            case _:
                raise MalformedPolicy(f"{printable(keyword[:40])!r} is not log, witness, group or quorum")

    def policy(self) -> Policy:
        """Return the policy of all lines read."""
        if self._quorum is None:
            raise MalformedPolicy("policy: no quorum line")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, fields: list[bytes]) -> None:
        _check_count(fields, 1, 2, "log <vkey> [<url>]")
        line = LogLine(_parse_key(fields[0]), _url(fields[1:]))
        self._scope.add_log(line)
        self._logs.append(line)

    def _witness(self, fields: list[bytes]) -> None:
        _check_count(fields, 2, 3, "witness <name> <vkey> [<url>]")
        line = WitnessLine(fields[0], _parse_key(fields[1]), _url(fields[2:]))
        self._scope.add_witness(line)
        self._witnesses.append(line)

    def _group(self, fields: list[bytes]) -> None:
        if len(fields) < 3:
            raise MalformedPolicy("not group <name> (all | any | <k>) <name>...")
        name, threshold, *members = fields
        group = Group(name, _threshold(threshold, len(members)), tuple(members))
        self._scope.add_group(group)
        self._groups.append(group)

    def _set_quorum(self, fields: list[bytes]) -> None:
        _check_count(fields, 1, 1, "quorum <name>")
        if self._quorum is not None:
            raise MalformedPolicy("a second quorum line")
        self._scope.require_quorum(fields[0])
        self._quorum = fields[0]


def _check_count(fields: list[bytes], least: int, most: int, form: str) -> None:
    if not least <= len(fields) <= most:
        raise MalformedPolicy(f"not {form}")


def _threshold(field: bytes, members: int) -> int:
    if field in {b"all", b"any"}:
        return members if field == b"all" else 1
    return parse_decimal(field.decode("utf-8", "replace"), MalformedPolicy, "group threshold")


def _parse_key(field: bytes) -> VKey:
    try:
        return parse_vkey(field.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedPolicy("vkey: not UTF-8") from None


def _url(fields: list[bytes]) -> str | None:
    return fields[0].decode("utf-8", "surrogateescape") if fields else None
