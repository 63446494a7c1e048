"""What a policy accepts: logs, cosignatures and the quorum."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled
from tests.formats.material import CHECKPOINT, LOG, LOG_PQ, ORIGIN, TIME, WITNESS_PQ, WITNESSES, ml_dsa_key, signed
from tlog.errors import (
    Malformed,
    MalformedCheckpoint,
    MalformedNote,
    NoTrustedSignature,
    OriginUnknown,
    QuorumNotMet,
    SignatureInvalid,
    VerificationFailed,
)
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import subtree_message
from tlog.formats.note import Note, Signature
from tlog.formats.policy import Group, LogLine, Policy, WitnessLine

LOGS = (LogLine(LOG.vkey), LogLine(LOG_PQ.vkey))
NAMES = (b"w1", b"w2", b"w3", b"w4")
WITNESS_KEYS = (*(witness.vkey for witness in WITNESSES), WITNESS_PQ.vkey)
LINES = tuple(WitnessLine(name, vkey) for name, vkey in zip(NAMES, WITNESS_KEYS, strict=True))
TWO_OF_THREE = Policy(LOGS, LINES, (Group(b"two", 2, NAMES[:3]),), b"two")
TEXT = CHECKPOINT.text()


def test_an_accepted_checkpoint() -> None:
    note = signed(witnesses=2)
    verified = TWO_OF_THREE.verify_checkpoint(note.encode())
    assert verified.checkpoint == CHECKPOINT
    assert verified.note == note
    assert verified.log == LOG.vkey
    assert verified.cosigned == {b"w1": TIME, b"w2": TIME}
    assert TWO_OF_THREE.verify_checkpoint(note) == verified


def test_one_witness_too_few() -> None:
    with pytest.raises(QuorumNotMet, match="quorum two: 1 of the needed 2 cosigned; missing: w2, w3"):
        TWO_OF_THREE.verify_checkpoint(signed(witnesses=1))
    single = Policy(LOGS, LINES, (), b"w2")
    with pytest.raises(QuorumNotMet, match="quorum w2: 0 of the needed 1 cosigned; missing: w2"):
        single.verify_checkpoint(signed(witnesses=1))


def test_witnesses_outside_the_quorum_are_reported_too() -> None:
    note = signed(witnesses=2).with_signatures([WITNESS_PQ.cosign(TEXT, 7)])
    assert TWO_OF_THREE.verify_checkpoint(note).cosigned == {b"w1": TIME, b"w2": TIME, b"w4": 7}


def test_any_one_of_the_logs_keys_suffices() -> None:
    policy = Policy(LOGS, LINES, (), b"none")
    classic, post_quantum = LOG.sign(TEXT), LOG_PQ.cosign(TEXT, TIME)
    assert policy.verify_checkpoint(Note(TEXT, (classic,))).log == LOG.vkey
    assert policy.verify_checkpoint(Note(TEXT, (post_quantum,))).log == LOG_PQ.vkey
    assert policy.verify_checkpoint(Note(TEXT, (post_quantum, classic))).log == LOG_PQ.vkey


def test_both_keys_of_a_log_must_verify_where_both_signed() -> None:
    bad = Signature(ORIGIN, LOG_PQ.vkey.key_id, LOG_PQ.cosign("x\n1\n" + TEXT.split("\n")[2] + "\n", 1).value)
    with pytest.raises(SignatureInvalid):
        TWO_OF_THREE.verify_checkpoint(signed(witnesses=3).with_signatures([bad]))


def test_an_unknown_origin() -> None:
    other = Checkpoint("example.com/other", 1, bytes(32))
    with pytest.raises(OriginUnknown, match=r"example\.com/other"):
        TWO_OF_THREE.verify_checkpoint(signed(other, 3))
    with pytest.raises(OriginUnknown):
        Policy((), LINES, (), b"none").verify_checkpoint(signed())


def test_a_listed_log_does_not_sign_for_another_origin() -> None:
    """The log's key signs a text of another listed log's origin: no signature by that origin's key."""
    other = WITNESS_PQ.vkey
    policy = Policy((LogLine(LOG.vkey), LogLine(other)), (), (), b"none")
    with pytest.raises(NoTrustedSignature):
        policy.verify_checkpoint(signed(Checkpoint(other.name, 1, bytes(32))))


def test_no_log_signature() -> None:
    only_witnesses = Note(TEXT, tuple(witness.cosign(TEXT, TIME) for witness in WITNESSES))
    with pytest.raises(NoTrustedSignature):
        TWO_OF_THREE.verify_checkpoint(only_witnesses)


def test_a_failing_cosignature_of_a_listed_witness_refuses_the_note() -> None:
    good = signed(witnesses=2)
    bad = Signature("w3.example", WITNESSES[2].vkey.key_id, good.signatures[1].value)
    with pytest.raises(SignatureInvalid, match=r"w3\.example"):
        TWO_OF_THREE.verify_checkpoint(good.with_signatures([bad]))
    unknown = Signature("w3.example", b"\0\0\0\0", good.signatures[1].value)
    assert len(TWO_OF_THREE.verify_checkpoint(good.with_signatures([unknown])).cosigned) == 2


def test_cosignatures_of_another_checkpoint_do_not_count() -> None:
    other = Checkpoint(ORIGIN, CHECKPOINT.size + 1, CHECKPOINT.root).text()
    moved = Note(TEXT, (LOG.sign(TEXT), WITNESSES[0].cosign(other, TIME)))
    with pytest.raises(SignatureInvalid):
        TWO_OF_THREE.verify_checkpoint(moved)


def test_a_cosignature_without_a_time_is_not_counted() -> None:
    message = subtree_message("w4.example", 0, ORIGIN, 0, CHECKPOINT.size, CHECKPOINT.root)
    dateless = Signature("w4.example", WITNESS_PQ.vkey.key_id, bytes(8) + ml_dsa_key("w4").sign(message))
    policy = Policy(LOGS, LINES, (), b"w4")
    with pytest.raises(QuorumNotMet):
        policy.verify_checkpoint(signed().with_signatures([dateless]))
    dated = signed().with_signatures([WITNESS_PQ.cosign(TEXT, 1)])
    assert policy.verify_checkpoint(dated).cosigned == {b"w4": 1}


def test_what_is_no_checkpoint() -> None:
    with pytest.raises(MalformedNote):
        TWO_OF_THREE.verify_checkpoint(b"")
    with pytest.raises(MalformedCheckpoint):
        TWO_OF_THREE.verify_checkpoint(Note("hello\n", (LOG.sign("hello\n"),)))


def test_a_changed_byte_is_never_accepted() -> None:
    """Every signature is needed here, so that none can be broken unnoticed."""
    policy = Policy(LOGS, LINES, (Group(b"all", 2, NAMES[:2]),), b"all")
    data = signed(witnesses=2).encode()
    policy.verify_checkpoint(data)
    for broken in mangled(data):
        with pytest.raises((Malformed, VerificationFailed)):
            policy.verify_checkpoint(broken)


def naive_met(policy: Policy, name: bytes, cosigned: set[bytes]) -> bool:
    """The definition of tlog-policy, recursively."""
    group = next((g for g in policy.groups if g.name == name), None)
    if group is None:
        return name in cosigned
    return sum(naive_met(policy, member, cosigned) for member in group.members) >= group.threshold


@given(st.sets(st.sampled_from([*NAMES, b"a", b"b", b"c", b"none", b"unknown"])), st.data())
def test_the_quorum_is_the_recursive_definition(cosigned: set[bytes], data: st.DataObject) -> None:
    defined, groups = list(NAMES), []
    for name in (b"a", b"b", b"c"):
        members = data.draw(st.lists(st.sampled_from(defined), min_size=1, unique=True))
        groups.append(Group(name, data.draw(st.integers(1, len(members))), tuple(members)))
        defined.append(name)
    policy = Policy(LOGS, LINES, tuple(groups), data.draw(st.sampled_from(defined)))
    assert policy.quorum_met(cosigned) == naive_met(policy, policy.quorum, cosigned & set(NAMES))


@given(st.sampled_from([1, 2, 3, 4]), st.dictionaries(st.sampled_from(NAMES), st.integers(1, 5)))
def test_until_then_nothing_larger_had_a_quorum(threshold: int, cosigned: dict[bytes, int]) -> None:
    """Whatever set of witnesses is a quorum holds one that cosigned then or later; a second later some does not."""
    policy = Policy(LOGS, LINES, (Group(b"q", threshold, NAMES),), b"q")
    quorums = [set(some) for count in range(threshold, 5) for some in combinations(NAMES, count)]

    def rules_out(time: int) -> bool:
        late = {name for name, at in cosigned.items() if at >= time}
        return all(quorum & late for quorum in quorums)

    found = policy.unseen_until(cosigned)
    assert found == max((time for time in cosigned.values() if rules_out(time)), default=None)


def test_one_witness_of_three_says_nothing_of_what_others_saw() -> None:
    one = Policy(LOGS, LINES, (Group(b"one", 1, NAMES[:3]),), b"one")
    assert one.unseen_until({b"w1": 12, b"w2": 12}) is None
    assert one.unseen_until({b"w1": 12, b"w2": 12, b"w3": 9}) == 9
    assert TWO_OF_THREE.unseen_until({b"w1": 12}) is None
    assert TWO_OF_THREE.unseen_until({b"w1": 12, b"w3": 9}) == 9
    assert Policy(LOGS, LINES, (), b"none").unseen_until({b"w1": 12}) is None


def test_the_name_of_a_group_is_no_witness() -> None:
    assert not TWO_OF_THREE.quorum_met([b"two"])
    assert not TWO_OF_THREE.quorum_met([b"w1", b"w1"])
    assert TWO_OF_THREE.quorum_met([b"w1", b"w3"])


def test_two_groups_as_in_the_specification() -> None:
    x, y = Group(b"X", 2, NAMES[:3]), Group(b"Y", 1, NAMES[3:])
    policy = Policy(LOGS, LINES, (x, y, Group(b"X-and-Y", 2, (b"X", b"Y"))), b"X-and-Y")
    assert not policy.quorum_met(NAMES[:3])
    assert not policy.quorum_met([b"w1", b"w4"])
    assert policy.quorum_met([b"w1", b"w2", b"w4"])
    with pytest.raises(QuorumNotMet, match="quorum X-and-Y: 1 of the needed 2 cosigned; missing: Y"):
        policy.verify_checkpoint(signed(witnesses=3))


def test_extension_lines_are_nobodys_word_under_ml_dsa_alone() -> None:
    """Why nothing may be concluded from them: they can be put in after the signature."""
    signature = LOG_PQ.cosign(TEXT, TIME)
    policy = Policy(LOGS, (), (), b"none")
    forged = Note(TEXT + "put in later\n", (signature,))
    assert policy.verify_checkpoint(forged).checkpoint.extensions == ("put in later",)
    with pytest.raises(SignatureInvalid):
        policy.verify_checkpoint(forged.with_signatures([LOG.sign(TEXT)]))
