from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled
from tests.formats.material import (
    CHECKPOINT,
    LOG,
    LOG_PQ,
    ORIGIN,
    TIME,
    WITNESS_PQ,
    WITNESSES,
    checkpoints,
    ed25519_key,
    hashes,
    lines,
    ml_dsa_key,
    seed,
    sizes,
)
from tlog.errors import (
    Malformed,
    MalformedCheckpoint,
    MalformedCosignature,
    MalformedKey,
    SignatureInvalid,
    VerificationFailed,
)
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import (
    Ed25519CosignatureSigner,
    Ed25519CosignatureVerifier,
    MlDsa44CosignatureSigner,
    MlDsa44CosignatureVerifier,
    cosignature_timestamp,
    ed25519_message,
    subtree_message,
    verifier_for,
)
from tlog.formats.ed25519 import Ed25519Verifier
from tlog.formats.note import Note, parse_note, verify_note
from tlog.formats.vkey import SignatureType, VKey, parse_vkey

TEXT = CHECKPOINT.text()
CLASSIC = SignatureType.COSIGNATURE_ED25519
POST_QUANTUM = SignatureType.COSIGNATURE_ML_DSA_44
VECTORS = Path(__file__).parent / "vectors" / "cosignatures.json"

Signer = Ed25519CosignatureSigner | MlDsa44CosignatureSigner
SIGNERS: list[Signer] = [WITNESSES[0], WITNESS_PQ]


def naive_subtree(  # noqa: PLR0917 - the six fields
    name: bytes, time: int, origin: bytes, start: int, end: int, root: bytes
) -> bytes:
    """struct cosigned_message, written out with struct."""
    form = f">12sB{len(name)}sQB{len(origin)}sQQ32s"
    return struct.pack(form, b"subtree/v1\n\0", len(name), name, time, len(origin), origin, start, end, root)


@given(lines, sizes, lines, sizes, hashes)
def test_the_subtree_message_is_the_structure(name: str, time: int, origin: str, end: int, root: bytes) -> None:
    expected = naive_subtree(name.encode(), time, origin.encode(), 0, end, root)
    assert subtree_message(name, time, origin, 0, end, root) == expected


def test_the_message_of_a_subtree_with_a_start() -> None:
    expected = naive_subtree(b"w", 0, b"o", 8, 13, bytes(32))
    assert subtree_message("w", 0, "o", 8, 13, bytes(32)) == expected


def test_the_ed25519_message_is_the_example_of_the_specification() -> None:
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert ed25519_message(1679315147, body) == b"cosignature/v1\ntime 1679315147\n" + body.encode()


def test_the_example_of_the_specification_has_its_time() -> None:
    data = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5"
        "nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    (signature,) = parse_note(data.encode()).signatures
    assert cosignature_timestamp(signature.value, CLASSIC) == 1679315147


@pytest.mark.parametrize(
    ("name", "time", "origin", "start", "end", "root"),
    [
        ("w", 1, "o", 1, 2, bytes(32)),  # a start needs timestamp 0
        ("w", 0, "o", 2, 1, bytes(32)),
        ("w", 0, "o", -1, 1, bytes(32)),
        ("w", 0, "o", 0, 2**63, bytes(32)),
        ("w", 2**63, "o", 0, 1, bytes(32)),
        ("w", -1, "o", 0, 1, bytes(32)),
        ("w", 0, "o", 0, 1, bytes(31)),
        ("", 0, "o", 0, 1, bytes(32)),
        ("w", 0, "", 0, 1, bytes(32)),
        ("w" * 256, 0, "o", 0, 1, bytes(32)),
        ("w", 0, "é" * 128, 0, 1, bytes(32)),
    ],
)
def test_what_has_no_subtree_message(  # noqa: PLR0917 - the six fields
    name: str, time: int, origin: str, start: int, end: int, root: bytes
) -> None:
    with pytest.raises(ValueError, match="subtree"):
        subtree_message(name, time, origin, start, end, root)


@given(checkpoints.filter(lambda c: len(c.origin.encode()) <= 255), st.integers(1, 2**63 - 1))
def test_cosign_and_verify(checkpoint: Checkpoint, time: int) -> None:
    for signer, type_ in zip(SIGNERS, (CLASSIC, POST_QUANTUM), strict=True):
        signature = signer.cosign(checkpoint.text(), time)
        assert signature.key == (signer.vkey.name, signer.vkey.key_id)
        assert cosignature_timestamp(signature.value, type_) == time
        verifier_for(signer.vkey).verify(checkpoint.text(), signature.value)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_no_signer_makes_an_impossible_time(signer: Signer, time: int) -> None:
    with pytest.raises(ValueError, match="timestamp is within 1"):
        signer.cosign(TEXT, time)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("text", ["", "hello\n", TEXT[:-1], TEXT + "\n", TEXT.replace("1234", "01234")])
def test_only_checkpoints_are_cosigned(signer: Signer, text: str) -> None:
    with pytest.raises(MalformedCheckpoint):
        signer.cosign(text, TIME)


def test_extension_lines_are_covered_by_ed25519() -> None:
    extended, other = TEXT + "extension\n", TEXT + "another\n"
    value = WITNESSES[0].cosign(extended, TIME).value
    verifier = verifier_for(WITNESSES[0].vkey)
    verifier.verify(extended, value)
    for text in (TEXT, other, extended + "more\n"):
        with pytest.raises(SignatureInvalid):
            verifier.verify(text, value)


def test_extension_lines_are_not_covered_by_ml_dsa() -> None:
    value = WITNESS_PQ.cosign(TEXT + "extension\n", TIME).value
    for text in (TEXT + "extension\n", TEXT, TEXT + "another\n"):
        verifier_for(WITNESS_PQ.vkey).verify(text, value)


def test_ml_dsa_covers_the_cosigners_name_and_ed25519_does_not() -> None:
    same_key = MlDsa44CosignatureSigner("other.example", ml_dsa_key("w4"))
    with pytest.raises(SignatureInvalid):
        verifier_for(same_key.vkey).verify(TEXT, WITNESS_PQ.cosign(TEXT, TIME).value)
    classic = Ed25519CosignatureSigner("other.example", ed25519_key("w1"))
    verifier_for(classic.vkey).verify(TEXT, WITNESSES[0].cosign(TEXT, TIME).value)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    "text",
    [
        Checkpoint(ORIGIN, 1235, CHECKPOINT.root).text(),
        Checkpoint(ORIGIN + "x", 1234, CHECKPOINT.root).text(),
        Checkpoint(ORIGIN, 1234, seed("other root")).text(),
        "not a checkpoint\n",
        TEXT[:-1],
        "",
        Checkpoint("o" * 256, 1234, CHECKPOINT.root).text(),
    ],
)
def test_another_text_does_not_verify(signer: Signer, text: str) -> None:
    with pytest.raises(SignatureInvalid, match="example"):
        verifier_for(signer.vkey).verify(text, signer.cosign(TEXT, TIME).value)


@given(st.integers(0, 8 * 72 - 1), st.integers(0, 8 * 2428 - 1))
def test_a_changed_bit_does_not_verify(classic: int, post_quantum: int) -> None:
    for signer, bit in zip(SIGNERS, (classic, post_quantum), strict=True):
        value = bytearray(signer.cosign(TEXT, TIME).value)
        value[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureInvalid):
            verifier_for(signer.vkey).verify(TEXT, bytes(value))


@pytest.mark.parametrize(("signer", "step"), [(WITNESSES[0], 1), (WITNESS_PQ, 11)])
def test_a_cosigned_note_with_a_changed_byte_never_verifies(signer: Signer, step: int) -> None:
    data = Note(TEXT, (signer.cosign(TEXT, TIME),)).encode()
    verifier = verifier_for(signer.vkey)
    verify_note(parse_note(data), [verifier])
    for broken in mangled(data, step):
        with pytest.raises((Malformed, VerificationFailed)):
            verify_note(parse_note(broken), [verifier])


@given(st.binary(max_size=100) | st.binary(min_size=72, max_size=72) | st.binary(min_size=2428, max_size=2428))
def test_any_value_is_refused_as_invalid(value: bytes) -> None:
    for signer in SIGNERS:
        with pytest.raises(SignatureInvalid):
            verifier_for(signer.vkey).verify(TEXT, value)


@given(st.binary(max_size=80) | st.binary(min_size=2428, max_size=2428))
def test_timestamps_are_read_or_refused(value: bytes) -> None:
    for type_, length in ((CLASSIC, 72), (POST_QUANTUM, 2428)):
        if len(value) == length and value[0] < 0x80:
            assert cosignature_timestamp(value, type_) == int.from_bytes(value[:8], "big")
        else:
            with pytest.raises(MalformedCosignature):
                cosignature_timestamp(value, type_)


def test_timestamps_end_below_2_to_the_63() -> None:
    assert cosignature_timestamp(b"\x7f" + b"\xff" * 71, CLASSIC) == 2**63 - 1
    with pytest.raises(MalformedCosignature, match="above 2"):
        cosignature_timestamp(b"\x80" + bytes(71), CLASSIC)
    with pytest.raises(MalformedCosignature, match="has no timestamp"):
        cosignature_timestamp(bytes(64), SignatureType.ED25519)


def test_a_timestamp_of_2_to_the_63_does_not_verify_even_if_signed() -> None:
    time = 2**63
    value = time.to_bytes(8, "big") + ed25519_key("w1").sign(ed25519_message(time, TEXT))
    with pytest.raises(SignatureInvalid, match="above 2"):
        verifier_for(WITNESSES[0].vkey).verify(TEXT, value)


def test_a_text_that_is_no_checkpoint_has_no_cosignature_even_if_signed() -> None:
    value = TIME.to_bytes(8, "big") + ed25519_key("w1").sign(ed25519_message(TIME, "hello\n"))
    with pytest.raises(SignatureInvalid, match="1 lines where origin"):
        verifier_for(WITNESSES[0].vkey).verify("hello\n", value)


def test_timestamp_0_verifies_as_the_signature_it_is() -> None:
    message = subtree_message("w4.example", 0, ORIGIN, 0, CHECKPOINT.size, CHECKPOINT.root)
    verifier_for(WITNESS_PQ.vkey).verify(TEXT, bytes(8) + ml_dsa_key("w4").sign(message))


@pytest.mark.parametrize("context", [b"x", b"subtree/v1"])
def test_ml_dsa_uses_the_empty_context(context: bytes) -> None:
    message = subtree_message("w4.example", TIME, ORIGIN, 0, CHECKPOINT.size, CHECKPOINT.root)
    key = ml_dsa_key("w4")
    verifier = verifier_for(WITNESS_PQ.vkey)
    verifier.verify(TEXT, TIME.to_bytes(8, "big") + key.sign(message, b""))
    with pytest.raises(SignatureInvalid):
        verifier.verify(TEXT, TIME.to_bytes(8, "big") + key.sign(message, context))


def test_a_subtree_cosignature_is_none_of_a_checkpoint() -> None:
    message = subtree_message("w4.example", 0, ORIGIN, 1024, CHECKPOINT.size, CHECKPOINT.root)
    with pytest.raises(SignatureInvalid):
        verifier_for(WITNESS_PQ.vkey).verify(TEXT, bytes(8) + ml_dsa_key("w4").sign(message))


def test_origins_of_255_bytes_fit_and_longer_ones_do_not() -> None:
    fits = Checkpoint("o" * 255, 1, bytes(32)).text()
    verifier_for(WITNESS_PQ.vkey).verify(fits, WITNESS_PQ.cosign(fits, TIME).value)
    longer = Checkpoint("o" * 256, 1, bytes(32)).text()
    with pytest.raises(MalformedCheckpoint, match="255 bytes"):
        WITNESS_PQ.cosign(longer, TIME)
    verifier_for(WITNESSES[0].vkey).verify(longer, WITNESSES[0].cosign(longer, TIME).value)


def test_names_of_255_bytes_fit_and_longer_ones_do_not() -> None:
    signer = MlDsa44CosignatureSigner("n" * 255, ml_dsa_key("n"))
    verifier_for(signer.vkey).verify(TEXT, signer.cosign(TEXT, TIME).value)
    with pytest.raises(MalformedKey):
        MlDsa44CosignatureSigner("n" * 256, ml_dsa_key("n"))


def test_a_plain_signature_is_no_cosignature_and_the_reverse() -> None:
    twin = VKey("w1.example", SignatureType.ED25519, WITNESSES[0].vkey.public_key)
    with pytest.raises(SignatureInvalid):
        verifier_for(twin).verify(TEXT, WITNESSES[0].cosign(TEXT, TIME).value)
    with pytest.raises(SignatureInvalid, match="64 bytes where 72 belong"):
        verifier_for(WITNESSES[0].vkey).verify(TEXT, ed25519_key("w1").sign(TEXT.encode()))


def test_each_verifier_takes_its_own_type() -> None:
    assert isinstance(verifier_for(LOG.vkey), Ed25519Verifier)
    assert isinstance(verifier_for(WITNESSES[0].vkey), Ed25519CosignatureVerifier)
    assert isinstance(verifier_for(LOG_PQ.vkey), MlDsa44CosignatureVerifier)
    with pytest.raises(MalformedKey, match="0x04"):
        Ed25519CosignatureVerifier(LOG.vkey)
    with pytest.raises(MalformedKey, match="0x06"):
        MlDsa44CosignatureVerifier(WITNESSES[0].vkey)


def test_frozen_vectors() -> None:
    """Made once and kept, so that a change of either message format cannot pass unseen."""
    vectors = json.loads(VECTORS.read_text())
    assert {vector["type"] for vector in vectors} == {4, 6}
    for vector in vectors:
        vkey = parse_vkey(vector["vkey"])
        note = parse_note(vector["note"].encode())
        verify_note(note, [verifier_for(vkey)])
        assert cosignature_timestamp(note.signatures[0].value, vkey.type) == vector["timestamp"]
