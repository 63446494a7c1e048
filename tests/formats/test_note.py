from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled, require_refusal_or_identity
from tests.formats.material import LOG, LOG_PQ, WITNESSES, ed25519_key, key_names, line_chars, signed
from tlog.errors import Malformed, MalformedNote, NoTrustedSignature, SignatureInvalid, VerificationFailed
from tlog.formats.cosignature import verifier_for
from tlog.formats.ed25519 import Ed25519Signer, Ed25519Verifier
from tlog.formats.encoding import b64encode
from tlog.formats.note import (
    MAX_NOTE_BYTES,
    Note,
    Signature,
    parse_note,
    parse_signature_lines,
    verified_signatures,
    verify_note,
)
from tlog.formats.vkey import parse_vkey

# signed-note "Verifier keys", Example
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

signatures = st.builds(
    Signature, name=key_names, key_id=st.binary(min_size=4, max_size=4), value=st.binary(min_size=1, max_size=99)
)
texts = st.text(line_chars | st.just("\n"), max_size=80).map(lambda text: text + "\n")
notes = st.builds(Note, texts, st.lists(signatures, min_size=1, max_size=5, unique_by=lambda s: s.key).map(tuple))


def line(name: str = "a", key_id: bytes = b"abcd", value: bytes = b"v") -> bytes:
    return f"— {name} {b64encode(key_id + value)}\n".encode()


def test_the_example_of_the_specification() -> None:
    vkey = parse_vkey(SPEC_VKEY)
    note = parse_note(SPEC_NOTE)
    assert note.text == "This is an example message.\n"
    assert note.encode() == SPEC_NOTE
    (signature,) = verify_note(note, [Ed25519Verifier(vkey)])
    assert signature.key == ("example.com/foo", bytes.fromhex("530d903a"))


def test_an_example_of_the_go_implementation() -> None:
    """golang.org/x/mod/sumdb/note, package documentation."""
    vkey = parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    data = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    assert verify_note(parse_note(data), [Ed25519Verifier(vkey)])


@given(notes)
def test_round_trip(note: Note) -> None:
    assert parse_note(note.encode()) == note


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace")))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for whole in (data, data + b"\n\n" + line(), b"text\n\n" + data):
        try:
            note = parse_note(whole)
        except MalformedNote:
            continue
        assert note.encode() == whole


def test_every_mangled_note_is_refused_or_reads_as_it_stands() -> None:
    note = signed(witnesses=1)
    assert require_refusal_or_identity(note.encode(), parse_note, Note.encode, MalformedNote) > 1000


@pytest.mark.parametrize("data", [SPEC_NOTE, signed().encode()])
def test_a_note_with_a_changed_byte_never_verifies(data: bytes) -> None:
    keys = [Ed25519Verifier(parse_vkey(SPEC_VKEY)), Ed25519Verifier(LOG.vkey)]
    verify_note(parse_note(data), keys)
    for broken in mangled(data):
        with pytest.raises((Malformed, VerificationFailed)):
            verify_note(parse_note(broken), keys)


def test_the_last_empty_line_divides() -> None:
    note = parse_note(b"a\n\nb\n\n\n" + line())
    assert note.text == "a\n\nb\n\n"
    assert parse_note(b"\n\n" + line()).text == "\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n" + line(),
        b"\n" + line(),
        b"text\n\n" + line()[:-1],
        b"text\n\n" + line() + b"\n",
        b"text\n\n" + line() + b"x",
        b"text\n\n" + line() + b"x\n",
        b"text\r\n\r\n" + line(),
        b"te\x00xt\n\n" + line(),
        b"te\txt\n\n" + line(),
        b"te\xffxt\n\n" + line(),
        b"text\n\n- a YWJjZHY=\n",
        "text\n\n—a YWJjZHY=\n".encode(),
        "text\n\n—  a YWJjZHY=\n".encode(),
        "text\n\n— a  YWJjZHY=\n".encode(),
        "text\n\n— a YWJjZHY= \n".encode(),
        "text\n\n— a\n".encode(),
        "text\n\n—  YWJjZHY=\n".encode(),
        "text\n\n— a+b YWJjZHY=\n".encode(),
        "text\n\n— a\u00a0b YWJjZHY=\n".encode(),
        "text\n\n— a\u2003b YWJjZHY=\n".encode(),
        "text\n\n— a\u0085b YWJjZHY=\n".encode(),
        "text\n\n— a YWJj\n".encode(),  # three bytes: no key ID
        "text\n\n— a YWJjZA==\n".encode(),  # a key ID and nothing signed
        "text\n\n— a YWJjZHZ=\n".encode(),  # trailing bits
        "text\n\n— a YWJjZHY\n".encode(),
    ],
)
def test_what_is_no_note(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_note(data)


def test_duplicate_lines_are_refused() -> None:
    for second in (line(), line(value=b"other")):
        with pytest.raises(MalformedNote, match="two signature lines of 'a', ID 61626364"):
            parse_note(b"text\n\n" + line() + second)
        with pytest.raises(MalformedNote, match="two signature lines"):
            parse_signature_lines(line() + second)
    assert len(parse_note(b"text\n\n" + line() + line(key_id=b"abce") + line("b")).signatures) == 3


def test_an_oversized_note_is_refused() -> None:
    frame = b"\n\n" + line()
    fits = b"x" * (MAX_NOTE_BYTES - len(frame)) + frame
    assert parse_note(fits).encode() == fits
    with pytest.raises(MalformedNote, match="more than 1048576"):
        parse_note(b"x" + fits)


def test_sixteen_post_quantum_signatures_fit() -> None:
    many = tuple(Signature(f"w{i}.example", b"abcd", bytes(5000)) for i in range(16))
    note = Note("text\n", many)
    assert parse_note(note.encode()) == note


@given(st.lists(signatures, min_size=1, max_size=5, unique_by=lambda s: s.key))
def test_signature_lines_round_trip(parts: list[Signature]) -> None:
    data = "".join(part.line() for part in parts).encode()
    assert parse_signature_lines(data) == tuple(parts)


def test_mangled_signature_lines() -> None:
    data = line() + line("b")
    refused = require_refusal_or_identity(
        data, parse_signature_lines, lambda s: "".join(x.line() for x in s).encode(), MalformedNote
    )
    assert refused > 100
    with pytest.raises(MalformedNote):
        parse_signature_lines(b"")


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = signed(witnesses=3)
    assert [s.name for s in verify_note(note, [Ed25519Verifier(LOG.vkey)])] == [LOG.vkey.name]


def test_sharing_only_the_name_or_only_the_id_is_not_being_known() -> None:
    note = signed()
    good = note.signatures[0]
    same_name = Signature(good.name, b"\0\0\0\0", good.value)
    same_id = Signature("other", good.key_id, good.value)
    with pytest.raises(NoTrustedSignature):
        verify_note(Note(note.text, (same_name, same_id)), [Ed25519Verifier(LOG.vkey)])
    assert verify_note(Note(note.text, (same_name, same_id, good)), [Ed25519Verifier(LOG.vkey)]) == (good,)


def test_a_failing_signature_of_a_known_key_refuses_the_whole_note() -> None:
    note = signed(witnesses=2)
    bad = Signature(note.signatures[1].name, note.signatures[1].key_id, bytes(72))
    spoilt = Note(note.text, (note.signatures[0], bad, note.signatures[2]))
    verifiers = [verifier_for(vkey) for vkey in (LOG.vkey, *(witness.vkey for witness in WITNESSES))]
    with pytest.raises(SignatureInvalid, match=r"w1\.example"):
        verify_note(spoilt, verifiers)
    assert verify_note(spoilt, [verifiers[0], verifiers[2]])


def test_no_trusted_signature() -> None:
    stranger = Ed25519Signer("stranger", ed25519_key("stranger"))
    with pytest.raises(NoTrustedSignature, match=r"the note names 'example\.com/log'"):
        verify_note(signed(), [Ed25519Verifier(stranger.vkey)])
    with pytest.raises(NoTrustedSignature):
        verify_note(signed(), [])
    assert verified_signatures(signed(), []) == ()


def test_two_verifiers_of_one_name_and_id_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="two keys"):
        verify_note(signed(), [Ed25519Verifier(LOG.vkey), Ed25519Verifier(LOG.vkey)])


def test_with_signatures_keeps_the_first_of_each_key() -> None:
    note = signed()
    extra = [WITNESSES[0].cosign(note.text, 1), WITNESSES[0].cosign(note.text, 2), LOG_PQ.cosign(note.text, 3)]
    forged = Signature(note.signatures[0].name, note.signatures[0].key_id, b"forged")
    assert note.with_signatures([forged, *extra]).signatures == (note.signatures[0], extra[0], extra[2])
    assert note.with_signatures([]) == note


@pytest.mark.parametrize("text", ["", "a", "a\x00\n", "a\r\n", "\ud800\n"])
def test_a_note_of_a_bad_text_cannot_be_made(text: str) -> None:
    with pytest.raises(MalformedNote):
        Note(text, signed().signatures)


def test_a_note_without_signatures_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="at least one signature"):
        Note("a\n", ()).encode()


@pytest.mark.parametrize(("name", "key_id", "value"), [("", b"abcd", b"v"), ("a", b"abc", b"v"), ("a", b"abcd", b"")])
def test_a_bad_signature_cannot_be_made(name: str, key_id: bytes, value: bytes) -> None:
    with pytest.raises(MalformedNote):
        Signature(name, key_id, value)
