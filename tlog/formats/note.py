"""Signed notes: text that one or more keys signed (https://c2sp.org/signed-note).

Grammar:

    note      = text newline 1*signature
    text      = *( *char newline ) that ends with a newline, empty lines included
    signature = U+2014 " " name " " base64( key ID (4 bytes) || value (1 byte or more) ) newline
    name      = 1*char, no Unicode space, no "+"

Rules: the *last* empty line divides the text from the signatures, and the signed text keeps its final
newline but not the empty line. (name, key ID) identifies a key together with its algorithm. Signatures of
unknown keys are ignored; one by a known key must verify, or the whole note is refused. No known key, no
trust: nothing in the text may be used before `verify_note` returned. Two lines of one (name, key ID) are
refused, so that "the" signature of a key is never a matter of choice.

Example, signed by `example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`:

    This is an example message.

    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

A note is limited to 1 MiB; sixteen signatures of 5 kB (the most a post-quantum one takes) need 110 kB.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from tlog.errors import Malformed, MalformedNote, NoTrustedSignature
from tlog.formats.encoding import b64decode, b64encode, check_text, decode_text, shown, split_lines

MAX_NOTE_BYTES: Final = 1 << 20
KEY_ID_BYTES: Final = 4
_DASH: Final = "\u2014 "


def check_key_name(name: str, error: type[Malformed]) -> None:
    """Refuse a key name that is empty, or holds a space, plus or control character (signed-note "Format")."""
    check_text(name, error, "key name")
    if not name or "+" in name or any(char.isspace() for char in name):
        raise error(f"key name {shown(name)}: must not be empty, nor hold a Unicode space or plus")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: key `name`, 4-byte `key_id`, and `value`, whose form the key's type decides."""

    name: str
    key_id: bytes
    value: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, MalformedNote)
        if len(self.key_id) != KEY_ID_BYTES or not self.value:
            raise MalformedNote(f"signature by {shown(self.name)}: needs a key ID of 4 bytes and a value")

    @property
    def key(self) -> tuple[str, bytes]:
        """(name, key ID), which identify the key and its algorithm."""
        return self.name, self.key_id

    def line(self) -> str:
        """Return the signature line with its newline."""
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text (ends with a newline) and the signatures under it, verified or not, in their lines' order."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        check_text(self.text, MalformedNote, "note text")
        if not self.text.endswith("\n"):
            raise MalformedNote("note text: does not end with a newline")
        _refuse_duplicates(self.signatures)

    def encode(self) -> bytes:
        """Return the note's bytes. ValueError without a signature: such a text is no note."""
        if not self.signatures:
            raise ValueError("a note needs at least one signature")
        return (self.text + "\n" + "".join(s.line() for s in self.signatures)).encode()

    def with_signatures(self, extra: Iterable[Signature]) -> Note:
        """Return the note with `extra` after its own signatures; of one (name, key ID) the first is kept."""
        kept = {signature.key: signature for signature in self.signatures}
        for signature in extra:
            kept.setdefault(signature.key, signature)
        return Note(self.text, tuple(kept.values()))


def _refuse_duplicates(signatures: tuple[Signature, ...]) -> None:
    seen: set[tuple[str, bytes]] = set()
    for signature in signatures:
        if signature.key in seen:
            raise MalformedNote(f"two signature lines of {shown(signature.name)}, ID {signature.key_id.hex()}")
        seen.add(signature.key)


def parse_note(data: bytes) -> Note:
    """Return the note in `data`, nothing of it verified. Raises MalformedNote (signed-note "Format")."""
    text = _decode(data, "note")
    cut = text.rfind("\n\n")
    if cut < 0:
        raise MalformedNote("note: no empty line before the signatures")
    return Note(text[: cut + 1], _parse_lines(text[cut + 2 :]))


def parse_signature_lines(data: bytes) -> tuple[Signature, ...]:
    """Return the signatures of one or more signature lines (a witness's answer). Raises MalformedNote."""
    signatures = _parse_lines(_decode(data, "signature lines"))
    _refuse_duplicates(signatures)
    return signatures


def _decode(data: bytes, what: str) -> str:
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedNote(f"{what}: {len(data)} bytes, more than {MAX_NOTE_BYTES}")
    return decode_text(data, MalformedNote, what)


def _parse_lines(text: str) -> tuple[Signature, ...]:
    lines = split_lines(text, MalformedNote, "signature lines")
    return tuple(_parse_line(line, f"signature line {i}") for i, line in enumerate(lines, 1))


def _parse_line(line: str, what: str) -> Signature:
    if not line.startswith(_DASH):
        raise MalformedNote(f"{what}: does not start with an em dash and a space")
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    value = b64decode(encoded, MalformedNote, what)
    return Signature(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


class Verifier(Protocol):
    """A public key that checks signatures of one name and one algorithm."""

    @property
    def name(self) -> str:
        """The key name."""

    @property
    def key_id(self) -> bytes:
        """The 4-byte key ID."""

    def verify(self, text: str, value: bytes) -> None:
        """Check the signature `value` over the note's `text`. Raises SignatureInvalid."""


def verified_signatures(note: Note, verifiers: Iterable[Verifier]) -> tuple[Signature, ...]:
    """Return the signatures by the verifiers' keys, all verified; possibly none.

    Raises SignatureInvalid if one of them fails (signed-note "Signatures"), and ValueError if two verifiers
    share name and key ID: which of two keys a line names must not depend on their order.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) is not verifier:
            raise ValueError(f"two keys of name {verifier.name!r} and key ID {verifier.key_id.hex()}")
    ours = tuple(signature for signature in note.signatures if signature.key in known)
    for signature in ours:
        known[signature.key].verify(note.text, signature.value)
    return ours


def verify_note(note: Note, verifiers: Iterable[Verifier]) -> tuple[Signature, ...]:
    """Return the signatures by the verifiers' keys, all verified; at least one.

    Raises SignatureInvalid if a known key's signature fails, NoTrustedSignature if there is none.
    """
    ours = verified_signatures(note, verifiers)
    if not ours:
        names = ", ".join(sorted({shown(signature.name) for signature in note.signatures})[:8])
        raise NoTrustedSignature(f"no signature by a trusted key; the note names {names or 'no key'}")
    return ours
