"""What the witness signs and keeps: the rules beyond the order of refusals."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.witness.conftest import NOW, Bench, text_of
from tests.witness.log_simulator import LogSimulator, body
from tlog.errors import ClockBehind, NoTrustedSignature, StorageFault, TlogError, TooManyRequests, Unavailable
from tlog.formats.add_checkpoint import MAX_REQUEST_BYTES, origin_hash
from tlog.formats.cosignature import MlDsa44CosignatureSigner, cosignature_timestamp
from tlog.formats.note import Note, Signature, parse_note, parse_signature_lines
from tlog.formats.vkey import SignatureType
from witness.errors import ExtensionsUnsigned, Halted, OldSizeMismatch, RootInvalid
from witness.rules import SECONDS_PER_DAY

TYPES = (SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_ML_DSA_44)


def times(signatures: tuple[Signature, ...]) -> list[int]:
    return [cosignature_timestamp(s.value, type_) for s, type_ in zip(signatures, TYPES, strict=True)]


def stored(bench: Bench, log: LogSimulator) -> Note:
    note = bench.witness.monitored(origin_hash(log.origin))
    assert note is not None
    return parse_note(note)


@pytest.mark.parametrize("keys", ["ed25519", "ml-dsa-44", "both"])
def test_grows_and_answers_both_cosignatures(bench: Bench, keys: str) -> None:
    log = LogSimulator.make()
    bench.trust(log, keys=keys)
    for old, new in [(0, 1), (1, 2), (2, 7), (7, 8), (8, 31)]:
        signatures = bench.submit(log.request(old, new, keys=keys))
        bench.verify(log.text(new), signatures)
        assert times(signatures) == [NOW, NOW]
        assert (bench.state(log).size, bench.state(log).root) == (new, log.root(new))


def test_empty_tree_is_cosigned_and_may_grow(bench: Bench, log: LogSimulator) -> None:
    empty = hashlib.sha256(b"").digest()
    for _ in range(2):
        bench.verify(log.text(0, root=empty), bench.submit(log.request(0, 0)))
    bench.submit(log.request(0, 3))
    with pytest.raises(OldSizeMismatch):
        bench.submit(log.request(0, 0))


def test_first_contact_is_told_size_0(bench: Bench, log: LogSimulator) -> None:
    with pytest.raises(OldSizeMismatch) as refusal:
        bench.submit(log.request(3, 5))
    assert refusal.value.known == 0


def test_same_checkpoint_is_cosigned_afresh(bench: Bench, log: LogSimulator) -> None:
    first = bench.submit(log.request(0, 5))
    bench.now += 7
    again = bench.submit(log.request(5, 5))
    assert times(again) == [NOW + 7, NOW + 7]
    assert first != again
    assert stored(bench, log).signatures[-2:] == again


def test_another_log_is_another_state(bench: Bench, log: LogSimulator) -> None:
    other = LogSimulator.make("log.example/b")
    bench.trust(other)
    bench.submit(log.request(0, 5))
    bench.submit(other.request(0, 9))
    assert (bench.state(log).size, bench.state(other).size) == (5, 9)
    text = log.text(6)
    with pytest.raises(NoTrustedSignature):  # the key of one log says nothing about another
        bench.submit(body(5, log.proof(5, 6), Note(text, other.sign(text)).encode()))


def test_pinned_checkpoint_is_where_the_log_starts(bench: Bench) -> None:
    log = LogSimulator.make()
    bench.trust(log, first=log.note(5).encode())
    assert bench.witness.monitored(origin_hash(log.origin)) is None  # nothing was cosigned
    with pytest.raises(OldSizeMismatch) as refusal:
        bench.submit(log.request(0, 9))
    assert refusal.value.known == 5
    with pytest.raises(RootInvalid):
        bench.submit(log.branch(3).request(5, 5))
    bench.submit(log.request(5, 5))
    bench.submit(log.request(5, 9))


# --- the clock ---------------------------------------------------------------------------------------------


def test_clock_behind_the_last_cosignature_of_any_log(bench: Bench, log: LogSimulator) -> None:
    other = LogSimulator.make("log.example/b")
    bench.trust(other)
    bench.submit(log.request(0, 5))
    bench.now -= 1
    with pytest.raises(ClockBehind, match="clock"):
        bench.submit(other.request(0, 5))
    with pytest.raises(ClockBehind):
        bench.witness.check_ready()
    assert bench.state(other).timestamp == 0
    bench.now += 1
    bench.submit(other.request(0, 5))
    bench.witness.check_ready()


@pytest.mark.parametrize("now", [0, -1])
def test_no_cosignature_without_a_time(bench: Bench, log: LogSimulator, now: int) -> None:
    bench.now = now
    with pytest.raises(ClockBehind):
        bench.submit(log.request(0, 5))


def test_clock_is_remembered_over_a_restart(bench: Bench, log: LogSimulator) -> None:
    bench.submit(log.request(0, 5))
    assert bench.store.snapshot(()).last_timestamp == NOW


# --- what is stored ----------------------------------------------------------------------------------------


def test_stores_only_what_was_verified(bench: Bench, log: LogSimulator) -> None:
    """Lines that look like ours, and those of strangers, are neither stored nor returned."""
    ed25519, ml_dsa_44 = bench.cosigner.identity.vkeys
    fake = [Signature(vkey.name, vkey.key_id, b"\0" * length) for vkey, length in [(ed25519, 72), (ml_dsa_44, 2428)]]
    stranger = Signature("stranger.example", b"abcd", b"x" * 64)
    request = log.request(0, 5, extra=[*fake, stranger])
    own = bench.submit(request)
    bench.verify(text_of(request), own)
    assert stored(bench, log).signatures == (*log_signatures(request), *own)


def log_signatures(request: bytes) -> tuple[Signature, ...]:
    return parse_note(request.split(b"\n\n", 1)[1]).signatures[:2]


def test_own_old_cosignature_sent_back_is_replaced(bench: Bench, log: LogSimulator) -> None:
    first = bench.submit(log.request(0, 5))
    bench.now += 1
    own = bench.submit(log.request(5, 5, extra=first))
    assert stored(bench, log).signatures[-2:] == own
    assert not set(first) & set(stored(bench, log).signatures)


def test_two_lines_of_one_key_are_refused(bench: Bench, log: LogSimulator) -> None:
    note = log.note(5)
    twice = note.encode() + note.signatures[0].line().encode()
    with pytest.raises(TlogError, match="two signature lines"):
        bench.submit(b"old 0\n\n" + twice)


def test_sixteen_post_quantum_signatures_fit(bench: Bench, log: LogSimulator) -> None:
    text = log.text(5)
    others = [MlDsa44CosignatureSigner(f"w{i}.example", MLDSA44PrivateKey.generate()) for i in range(15)]
    request = log.request(0, 5, keys="ml-dsa-44", extra=[other.cosign(text, NOW) for other in others])
    assert len(request) < MAX_REQUEST_BYTES
    bench.verify(text, bench.submit(request))


# --- extension lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["ed25519", "both"])
def test_extension_lines_under_an_ed25519_signature(bench: Bench, log: LogSimulator, keys: str) -> None:
    request = log.request(0, 5, keys=keys, extensions=("about nothing",))
    own = bench.submit(request)
    bench.verify(text_of(request), own)  # the Ed25519 cosignature covers the extension line
    with pytest.raises(TlogError):
        bench.verify(log.text(5), own)
    assert stored(bench, log).text.endswith("\nabout nothing\n")


def test_extension_lines_that_nothing_covers(bench: Bench, log: LogSimulator) -> None:
    """An ML-DSA-44 signature still verifies when someone adds a line; we would sign and publish that line."""
    note = log.note(5, keys="ml-dsa-44")
    tampered = Note(note.text + "added on the way\n", note.signatures)
    with pytest.raises(ExtensionsUnsigned):
        bench.submit(body(0, (), tampered.encode()))
    assert bench.state(log).timestamp == 0
    bench.submit(body(0, (), note.encode()))


# --- requests per day --------------------------------------------------------------------------------------


def test_requests_per_day(bench: Bench) -> None:
    log = LogSimulator.make()
    bench.trust(log, limit=3)
    bench.now = NOW - NOW % SECONDS_PER_DAY + SECONDS_PER_DAY - 10
    bench.submit(log.request(0, 5))
    with pytest.raises(OldSizeMismatch):  # counted as well: it is the log that asked
        bench.submit(log.request(0, 5))
    bench.submit(log.request(5, 6))
    with pytest.raises(TooManyRequests) as refusal:
        bench.submit(log.request(6, 7))
    assert refusal.value.retry_after == 10
    assert bench.state(log).size == 6
    bench.now += 10
    bench.submit(log.request(6, 7))


def test_strangers_do_not_use_up_the_quota(bench: Bench) -> None:
    log = LogSimulator.make()
    bench.trust(log, limit=1)
    text = log.text(5)
    for _ in range(3):
        with pytest.raises(NoTrustedSignature):
            bench.submit(body(0, (), Note(text, LogSimulator.make(log.origin).sign(text)).encode()))
    bench.submit(log.request(0, 5))


def test_quota_holds_within_a_batch(bench: Bench) -> None:
    """All four pass the check of the quota together; the commit lets two through."""
    log = LogSimulator.make()
    bench.trust(log, limit=2)
    answers = bench.witness.add_checkpoints([log.request(0, 0)] * 4)
    assert [isinstance(answer, bytes) for answer in answers].count(True) == 2
    assert [isinstance(answer, TooManyRequests) for answer in answers].count(True) == 2


# --- races -------------------------------------------------------------------------------------------------


def test_rollback_race(bench: Bench, log: LogSimulator) -> None:
    """The race of tlog-witness: A and B pass their checks from one state, B commits, A must not roll it back."""
    bench.submit(log.request(0, 5))
    rival, seen = bench.rival(), []

    def overtake() -> None:
        bench.before_commit = lambda: None
        seen.append(rival.add_checkpoint(log.request(5, 20)))

    bench.before_commit = overtake
    with pytest.raises(OldSizeMismatch) as refusal:
        bench.submit(log.request(5, 9))
    assert refusal.value.known == 20
    assert (len(seen), bench.state(log).size) == (1, 20)


def test_split_view_race(bench: Bench, log: LogSimulator) -> None:
    """Two trees of one size at the same moment: one is cosigned, of the other no signature leaves."""
    fork, rival = log.branch(5), bench.rival()

    def overtake() -> None:
        bench.before_commit = lambda: None
        rival.add_checkpoint(fork.request(0, 9))

    bench.before_commit = overtake
    with pytest.raises(OldSizeMismatch):
        bench.submit(log.request(0, 9))
    assert bench.state(log).root == fork.root(9)


def test_resubmissions_race(bench: Bench, log: LogSimulator) -> None:
    """Both are right and both get their cosignature, none older than what was stored before it."""
    bench.submit(log.request(0, 5))
    rival = bench.rival()

    def overtake() -> None:
        bench.before_commit = lambda: None
        bench.now += 5
        rival.add_checkpoint(log.request(5, 5))

    bench.before_commit = overtake
    assert times(bench.submit(log.request(5, 5))) == [NOW + 5, NOW + 5]
    assert bench.state(log).timestamp == NOW + 5


def test_always_overtaken(bench: Bench, log: LogSimulator) -> None:
    bench.submit(log.request(0, 5))
    rival = bench.rival()

    def overtake() -> None:
        bench.now += 1
        rival.add_checkpoint(log.request(5, 5))

    bench.before_commit = overtake
    with pytest.raises(Unavailable):
        bench.submit(log.request(5, 5))


def test_one_batch_of_rivals(bench: Bench, log: LogSimulator) -> None:
    fork = log.branch(3)
    answers = bench.witness.add_checkpoints(
        [b"junk", log.request(0, 9), fork.request(0, 9), log.request(0, 5), log.request(0, 9)]
    )
    assert [type(answer).__name__ for answer in answers] == [
        "MalformedRequest", "bytes", "OldSizeMismatch", "OldSizeMismatch", "OldSizeMismatch",
    ]  # fmt: skip
    assert [answer.known for answer in answers if isinstance(answer, OldSizeMismatch)] == [9, 9, 9]
    assert bench.state(log).root == log.root(9)


# --- faults ------------------------------------------------------------------------------------------------


def test_no_signature_leaves_before_the_commit(bench: Bench, log: LogSimulator) -> None:
    """The COMMIT fails as a full disk or a failed fsync would: no answer, and none afterwards either."""
    bench.submit(log.request(0, 5))

    def fail(*_: object) -> None:
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    bench.before_commit = lambda: event.listen(bench.store._engine, "commit", fail)
    with pytest.raises(StorageFault):
        bench.submit(log.request(5, 9))
    event.remove(bench.store._engine, "commit", fail)
    with pytest.raises(Halted):
        bench.submit(log.request(5, 9))
    with pytest.raises(Halted):
        bench.witness.check_ready()
    assert bench.state(log).size == 5


def test_internal_fault_costs_one_request(bench: Bench, log: LogSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    other = LogSimulator.make("log.example/b")
    bench.trust(other)
    cosign = bench.cosigner.cosign

    def fail_for_one(text: str, timestamp: int) -> tuple[Signature, Signature]:
        if text.startswith(other.origin):
            raise RuntimeError("a bug")
        return cosign(text, timestamp)

    monkeypatch.setattr(bench.cosigner, "cosign", fail_for_one)
    bad, good = bench.witness.add_checkpoints([other.request(0, 5), log.request(0, 5)])
    assert type(bad).__name__ == "InternalFault"
    assert isinstance(good, bytes)
    bench.verify(log.text(5), parse_signature_lines(good))
