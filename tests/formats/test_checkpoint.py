from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled, require_refusal_or_identity, text_parser
from tests.formats.material import CHECKPOINT, LOG, LOG_PQ, ORIGIN, WITNESSES, checkpoints, ed25519_key, seed, signed
from tlog.errors import (
    Malformed,
    MalformedCheckpoint,
    MalformedNote,
    NoTrustedSignature,
    OriginUnknown,
    SignatureInvalid,
    VerificationFailed,
)
from tlog.formats.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from tlog.formats.cosignature import verifier_for
from tlog.formats.ed25519 import Ed25519Signer, Ed25519Verifier
from tlog.formats.note import Note, Signature

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
VERIFIER = Ed25519Verifier(LOG.vkey)


def test_the_example_of_the_specification() -> None:
    text = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"
    checkpoint = parse_checkpoint(text)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.extensions == ()
    assert checkpoint.text() == text


@given(checkpoints)
def test_round_trip(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@given(st.text(max_size=120))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for whole in (text, text + f"\n1\n{ROOT}\n", f"o\n1\n{ROOT}\n" + text, f"o\n{text}\n{ROOT}\n", f"o\n1\n{text}\n"):
        try:
            assert parse_checkpoint(whole).text() == whole
        except MalformedCheckpoint:
            continue


@pytest.mark.parametrize("extensions", [(), ("one", "two")])
def test_every_mangled_checkpoint_is_refused_or_reads_as_it_stands(extensions: tuple[str, ...]) -> None:
    text = Checkpoint(ORIGIN, 1234, seed("root"), extensions).text()
    parse = text_parser(parse_checkpoint)
    refused = require_refusal_or_identity(text.encode(), parse, lambda c: c.text().encode(), MalformedCheckpoint)
    assert refused > 500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "o\n",
        "o\n1\n",
        f"o\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        "o\n1\n\n",
        f"o\n01\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n1 \n{ROOT}\n",
        f"o\n{2**63}\n{ROOT}\n",
        f"o\n1\n{ROOT}\n\n",
        f"o\n1\n{ROOT}\nx\n\ny\n",
        f"o\n1\n{ROOT}\n\nx\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT} \n",
        f"o\n1\n{ROOT[:-2]}J=\n",  # trailing bits
        "o\n1\nAAAA\n",
        f"o\r\n1\r\n{ROOT}\r\n",
        f"o\x00\n1\n{ROOT}\n",
        f"o\n1\n{ROOT}\nx\ty\n",
        f"\ud800\n1\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)


def test_the_largest_size() -> None:
    assert parse_checkpoint(f"o\n{2**63 - 1}\n{ROOT}\n").size == 2**63 - 1


def test_the_origin_is_compared_as_it_stands() -> None:
    """Clients must not assume anything of its form: spaces and pluses may be in it."""
    assert parse_checkpoint(f"my log + yours\n0\n{ROOT}\n").origin == "my log + yours"


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", 2**63, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("b\nc",)),
        ("a", 1, bytes(32), ("\x1f",)),
    ],
)
def test_a_bad_checkpoint_cannot_be_made(origin: str, size: int, root: bytes, extensions: tuple[str, ...]) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(origin, size, root, extensions)


def test_open_checkpoint() -> None:
    note = signed(witnesses=3)
    assert open_checkpoint(note.encode(), ORIGIN, [VERIFIER]) == (CHECKPOINT, note)


def test_an_opened_checkpoint_may_be_signed_with_ml_dsa_only() -> None:
    note = Note(CHECKPOINT.text(), (LOG_PQ.cosign(CHECKPOINT.text(), 1),))
    assert open_checkpoint(note.encode(), ORIGIN, [VERIFIER, verifier_for(LOG_PQ.vkey)]) == (CHECKPOINT, note)


def test_a_changed_byte_is_never_opened() -> None:
    for broken in mangled(signed().encode()):
        with pytest.raises((Malformed, VerificationFailed)):
            open_checkpoint(broken, ORIGIN, [VERIFIER])


def test_another_origin_is_named_before_signatures_are_looked_at() -> None:
    note = signed()
    with pytest.raises(OriginUnknown, match=r"'example\.com/log', not of 'example\.com/other'"):
        open_checkpoint(note.encode(), "example.com/other", [VERIFIER])


def test_signature_errors() -> None:
    note = signed()
    stranger = Ed25519Signer(ORIGIN, ed25519_key("stranger"))
    with pytest.raises(NoTrustedSignature):
        open_checkpoint(note.encode(), ORIGIN, [Ed25519Verifier(stranger.vkey)])
    with pytest.raises(NoTrustedSignature):  # a cosignature is no log signature
        open_checkpoint(note.encode(), ORIGIN, [verifier_for(WITNESSES[0].vkey)])
    forged = Note(note.text, (Signature(ORIGIN, LOG.vkey.key_id, bytes(64)),))
    with pytest.raises(SignatureInvalid):
        open_checkpoint(forged.encode(), ORIGIN, [VERIFIER])


def test_a_good_note_of_no_checkpoint() -> None:
    note = Note("hello\n", (LOG.sign("hello\n"),))
    with pytest.raises(MalformedCheckpoint, match="1 lines"):
        open_checkpoint(note.encode(), ORIGIN, [VERIFIER])
    with pytest.raises(MalformedNote):
        open_checkpoint(b"hello\n", ORIGIN, [VERIFIER])
