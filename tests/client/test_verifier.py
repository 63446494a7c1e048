from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest

from tests.client import material
from tests.client.material import LEAVES, LOG, ORIGIN, OTHER_LOG, TIME, WITNESSES
from tests.formats.mangle import mangled
from tlog.client.verifier import OfflineVerifier, Report
from tlog.errors import (
    InclusionInvalid,
    LeafMismatch,
    Malformed,
    MalformedProof,
    NoTrustedSignature,
    OriginUnknown,
    QuorumNotMet,
    SignatureInvalid,
    VerificationFailed,
)
from tlog.formats.note import Note, parse_note
from tlog.formats.policy import LogLine, Policy

VERIFIER = OfflineVerifier(material.policy())
PROOF = material.proof().encode()


def facts(report: Report) -> tuple[object, ...]:
    return report.checkpoint, dict(report.witnesses), report.index, report.leaf


def test_a_proof_under_2_of_3_witnesses_verifies() -> None:
    report = VERIFIER.verify(PROOF)
    assert (report.index, report.leaf, report.checkpoint.size) == (5, LEAVES[5], 11)
    assert report.witnesses == {"w1": TIME, "w2": TIME + 1}
    assert report.witnessed_at == TIME + 1
    assert [check.name for check in report.checks] == ["origin", "log signature", "witness quorum", "inclusion"]
    assert report.ignored == ()


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_every_index_verifies_and_under_no_other_index(index: int) -> None:
    proof = material.proof(index)
    assert VERIFIER.verify_proof(proof).leaf == LEAVES[index]
    for other in range(len(LEAVES) + 2):
        if other != index:
            with pytest.raises(InclusionInvalid):
                VERIFIER.verify_proof(replace(proof, index=other))


def test_no_changed_byte_gets_through() -> None:
    """With exactly the quorum, the only lines that may change are those of one of the log's two signatures.

    The name or key ID of a signature line may turn into that of an unknown key, which signed-note has
    ignored; then the report says so, and what was proved stays what it was.
    """
    expected = facts(VERIFIER.verify(PROOF))
    survivors = 0
    for broken in mangled(PROOF, step=7):
        try:
            report = VERIFIER.verify(broken)
        except (VerificationFailed, Malformed):
            continue
        survivors += 1
        assert facts(report) == expected
        assert report.ignored, broken
    # Flipping within two names and key IDs only: far below one in a hundred of all attempts.
    assert survivors < len(PROOF) // 7


@pytest.mark.parametrize(
    ("region", "pattern"),
    [("leaf", rb"extra (\S+)"), ("hash", rb"index 5\n(\S+)"), ("root", rb"\n11\n(\S+)")],
)
def test_a_flipped_bit_of_a_base64_region_is_refused(region: str, pattern: bytes) -> None:
    checks = set()
    found = re.search(pattern, PROOF)
    assert found is not None, region
    value = base64.b64decode(found[1])
    for position in range(len(value)):
        changed = bytearray(value)
        changed[position] ^= 1 << position % 8
        broken = PROOF.replace(found[1], base64.b64encode(changed))
        with pytest.raises(VerificationFailed) as caught:
            VERIFIER.verify(broken)
        checks.add(caught.value.check)
    assert checks == {"signature" if region == "root" else "inclusion"}


def test_a_changed_size_is_refused_by_the_signature() -> None:
    with pytest.raises(SignatureInvalid, match=r"signature by 'log\.example/audit'"):
        VERIFIER.verify(PROOF.replace(b"\n11\n", b"\n12\n"))


@pytest.mark.parametrize("position", range(4))
def test_a_flipped_bit_of_any_signature_or_timestamp_is_refused(position: int) -> None:
    note = parse_note(material.proof().checkpoint)
    target = note.signatures[position]
    for byte in (0, 7, 8, len(target.value) // 2, len(target.value) - 1):
        value = bytearray(target.value)
        value[byte] ^= 0x10
        signatures = tuple(replace(s, value=bytes(value)) if s is target else s for s in note.signatures)
        with pytest.raises(SignatureInvalid) as caught:
            VERIFIER.verify_checkpoint(Note(note.text, signatures).encode())
        assert target.name in str(caught.value)


@pytest.mark.parametrize("witnesses", [(), (0,), (1,), (2,)])
def test_one_witness_too_few_is_refused_by_name(witnesses: tuple[int, ...]) -> None:
    with pytest.raises(QuorumNotMet, match=f"{len(witnesses)} of the needed 2 cosigned; missing: ") as caught:
        VERIFIER.verify(material.proof(witnesses=witnesses).encode())
    for i in {0, 1, 2} - set(witnesses):
        assert f"w{i + 1}" in str(caught.value)


@pytest.mark.parametrize("witnesses", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_any_two_witnesses_suffice(witnesses: tuple[int, ...]) -> None:
    report = VERIFIER.verify(material.proof(witnesses=witnesses).encode())
    assert report.witnesses == {f"w{i + 1}": TIME + i for i in witnesses}
    assert report.witnessed_at == TIME + witnesses[1]


def test_one_witness_does_not_count_under_two_names() -> None:
    # The same witness key signs twice under a second name: not a key of the policy, so it is one witness.
    note = material.checkpoint(witnesses=(0,))
    again = replace(note.signatures[-1], name="w2.example")
    with pytest.raises(QuorumNotMet):
        VERIFIER.verify_checkpoint(note.with_signatures([again]).encode())


def test_another_logs_key_is_refused() -> None:
    with pytest.raises(NoTrustedSignature):
        VERIFIER.verify(material.proof(log=OTHER_LOG).encode())
    with pytest.raises(NoTrustedSignature):
        OfflineVerifier(material.policy(OTHER_LOG)).verify(PROOF)


def test_another_origin_is_refused() -> None:
    elsewhere = material.Signers.of("log", "elsewhere.example")
    with pytest.raises(OriginUnknown, match=re.escape(ORIGIN)):
        OfflineVerifier(material.policy(elsewhere)).verify(PROOF)


def test_either_key_of_the_log_suffices_and_the_other_is_named_as_ignored() -> None:
    full = material.policy()
    for kept, ignored in ((LOG.ed25519.vkey, LOG.ml_dsa_44.vkey), (LOG.ml_dsa_44.vkey, LOG.ed25519.vkey)):
        report = OfflineVerifier(Policy((LogLine(kept),), full.witnesses, full.groups, full.quorum)).verify(PROOF)
        assert report.ignored == (f"{ORIGIN} (key ID {ignored.key_id.hex()})",)


def test_a_policy_without_quorum_says_so_and_proves_no_time() -> None:
    report = OfflineVerifier(Policy(material.policy().logs, ())).verify(material.proof(witnesses=()).encode())
    assert report.witnessed_at is None
    assert report.checks[2].detail == "the policy wants none"


def test_the_leaf_asked_about_must_be_the_proofs() -> None:
    assert VERIFIER.verify(PROOF, leaf=LEAVES[5]).leaf == LEAVES[5]
    with pytest.raises(LeafMismatch):
        VERIFIER.verify(PROOF, leaf=LEAVES[4])


def test_without_extra_the_leaf_must_be_given() -> None:
    bare = replace(material.proof(), extra=None).encode()
    with pytest.raises(LeafMismatch, match="carries no leaf"):
        VERIFIER.verify(bare)
    assert VERIFIER.verify(bare, leaf=LEAVES[5]).index == 5
    with pytest.raises(InclusionInvalid):
        VERIFIER.verify(bare, leaf=LEAVES[4])


def test_a_checkpoint_alone_verifies_but_is_no_proof_of_a_leaf() -> None:
    note = material.checkpoint().encode()
    assert VERIFIER.verify(note).index is None
    with pytest.raises(MalformedProof):
        VERIFIER.verify(note, leaf=LEAVES[5])


def test_a_cosignature_of_another_checkpoint_does_not_count() -> None:
    other = material.checkpoint(LEAVES[:7]).signatures[-1]
    note = material.checkpoint(witnesses=(0,))
    with pytest.raises(SignatureInvalid):
        VERIFIER.verify_checkpoint(note.with_signatures([other]).encode())
    assert len(WITNESSES) == 3


def test_a_time_that_no_calendar_has_is_still_reported() -> None:
    text = material.checkpoint().text
    note = LOG.sign(text).with_signatures(witness.cosign(text, 2**62) for witness in WITNESSES[:2])
    report = VERIFIER.verify_checkpoint(note.encode())
    assert "seconds after 1970" in report.checks[2].detail
