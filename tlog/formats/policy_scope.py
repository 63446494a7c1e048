"""The lines of a trust policy, and what may stand beside what (https://c2sp.org/tlog-policy, "Structure").

Rules, each checked when a line is added, so that a parser knows which line broke it:

* Names are octets 0x21-0x7E and 0x80-0xFF, not empty; witnesses and groups share one namespace; `none` is
  taken.
* A group names 1 or more members defined earlier, none twice, and 1 <= threshold <= number of members.
* No public key is in two log lines or in two witness lines, whatever its name or signature type.
* A witness's key is a cosigner's key. Two log or witness keys that share key name and key ID are refused
  too: a signature line could not tell them apart.

Example: `scope.add_group(Group(b"g", 0, (b"w1",)))` raises "group g: threshold 0 is not within 1 and 1".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tlog.errors import MalformedPolicy
from tlog.formats.quorum import NONE, Group, printable
from tlog.formats.vkey import SignatureType, VKey

_TOKEN = re.compile(rb"[\x21-\x7e\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log: its key, whose name is its origin, and where it is (octets not UTF-8 as surrogate escapes)."""

    vkey: VKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """A witness: its name inside the policy, its cosigner's key, and where it is (submission prefix)."""

    name: bytes
    vkey: VKey
    url: str | None = None


@dataclass(slots=True)
class _Keys:
    """The keys of one kind of line."""

    public: set[bytes] = field(default_factory=set)
    ids: set[tuple[str, bytes]] = field(default_factory=set)

    def add(self, kind: str, vkey: VKey) -> None:
        if vkey.public_key in self.public:
            raise MalformedPolicy(f"{kind} {vkey.name}: this public key has a {kind} line already")
        if (vkey.name, vkey.key_id) in self.ids:
            raise MalformedPolicy(f"{kind} {vkey.name}: another key has the same name and key ID")
        self.public.add(vkey.public_key)
        self.ids.add((vkey.name, vkey.key_id))


class PolicyScope:
    """What the lines so far have defined. Methods raise MalformedPolicy."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        self._logs = _Keys()
        self._witnesses = _Keys()

    def add_log(self, line: LogLine) -> None:
        """Admit a log."""
        _check_place("log", line.vkey, line.url)
        self._logs.add("log", line.vkey)

    def add_witness(self, line: WitnessLine) -> None:
        """Admit a witness."""
        _check_place("witness", line.vkey, line.url)
        if line.vkey.type is SignatureType.ED25519:
            raise MalformedPolicy(f"witness {printable(line.name)}: its key is not a cosigner's (0x04 or 0x06)")
        self._witnesses.add("witness", line.vkey)
        self._define(line.name)

    def add_group(self, group: Group) -> None:
        """Admit a group whose members are all defined."""
        what = f"group {printable(group.name)}"
        for member in group.members:
            self.require(member, what)
        if len(set(group.members)) != len(group.members):
            raise MalformedPolicy(f"{what}: a member is listed twice")
        if not group.members:
            raise MalformedPolicy(f"{what}: has no members")
        if not 1 <= group.threshold <= len(group.members):
            raise MalformedPolicy(f"{what}: threshold {group.threshold} is not within 1 and {len(group.members)}")
        self._define(group.name)

    def require_quorum(self, name: bytes) -> None:
        """Check that the quorum is `none`, or a witness or group defined earlier."""
        if name != NONE:
            self.require(name, "quorum")

    def require(self, name: bytes, what: str) -> None:
        """Check that `name` is a witness or group defined earlier."""
        if name not in self._names:
            raise MalformedPolicy(f"{what}: {printable(name)} is no witness or group defined earlier")

    def _define(self, name: bytes) -> None:
        if not _TOKEN.fullmatch(name) or name == NONE:
            raise MalformedPolicy(f"the name {printable(name)!r} cannot be defined")
        if name in self._names:
            raise MalformedPolicy(f"the name {printable(name)} is defined already")
        self._names.add(name)


def _check_place(kind: str, vkey: VKey, url: str | None) -> None:
    """Refuse a key or URL that cannot be one field of a line (a key name may hold U+007F, a file may not)."""
    fields = (vkey.encode().encode(), b"-" if url is None else url_octets(url))
    if not all(_TOKEN.fullmatch(octets) for octets in fields):
        raise MalformedPolicy(f"{kind} {vkey.name}: key and URL must be without white space and control characters")


def url_octets(url: str) -> bytes:
    """Return the octets of a URL as they stand in the file."""
    try:
        return url.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise MalformedPolicy("a URL with a lone surrogate has no octets") from None
