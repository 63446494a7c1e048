"""Every status of add-checkpoint, and that the first broken rule in the specification's order decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.witness.conftest import Bench
from tests.witness.log_simulator import LogSimulator, body
from tlog.errors import TlogError
from tlog.formats.note import Note, Signature
from witness.http import status_of

BAD_ROOT = b"\1" * 32

Breaker = Callable[[LogSimulator], bytes]


def forged(log: LogSimulator, old: int, new: int, **changes: object) -> bytes:
    """A request whose signature by a trusted key fails: it is that of another text."""
    note = log.note(new, root=BAD_ROOT if "root" in changes else None)
    wrong = log.sign(log.text(1, root=b"\2" * 32))
    return body(old, (), Note(note.text, wrong).encode())


def unsigned(log: LogSimulator, old: int, new: int) -> bytes:
    """A request signed by nobody the witness knows."""
    stranger = LogSimulator.make(log.origin)
    text = log.text(new)
    return body(old, (), Note(text, stranger.sign(text)).encode())


# The witness knows the log at size 5. Each case breaks its own rule and every later one that it can.
CASES: list[tuple[str, int, Breaker]] = [
    ("no request at all", 400, lambda _: b"hello"),
    ("malformed, also of an unknown origin", 400, lambda _: LogSimulator.make("other.example").request(0, 3)[:-1]),
    ("old size above the size, of an unknown origin", 400, lambda _: _older(LogSimulator.make("other.example"), 4, 3)),
    ("old size above the size, and not the known one", 400, lambda log: _older(log, 4, 3)),
    ("unknown origin, whatever else", 404, lambda _: LogSimulator.make("other.example").request(4, 9, root=BAD_ROOT)),
    ("signature of a trusted key that fails, stale old size", 403, lambda log: forged(log, 4, 9, root=BAD_ROOT)),
    ("no trusted signature, stale old size", 403, lambda log: unsigned(log, 4, 9)),
    ("stale old size, and a bad proof", 409, lambda log: log.request(4, 9, proof=[b"\3" * 32])),
    ("stale old size 0 with a proof", 409, lambda log: log.request(0, 9, proof=[b"\3" * 32])),
    ("stale old size with a bad empty root", 409, lambda log: log.request(0, 0, root=BAD_ROOT)),
    ("a proof that fails", 422, lambda log: log.request(5, 9, proof=[b"\3" * 32])),
    ("no proof where one belongs", 422, lambda log: log.request(5, 9, proof=[])),
    ("another root at the known size", 422, lambda log: log.request(5, 5, root=BAD_ROOT)),
    ("a proof at the known size", 422, lambda log: log.request(5, 5, proof=[b"\3" * 32])),
    ("another tree", 422, lambda log: log.branch(3).request(5, 9)),
]


def _older(log: LogSimulator, old: int, new: int) -> bytes:
    return log.request(old, new, proof=())


@pytest.mark.parametrize(("case", "status", "breaker"), CASES, ids=[case for case, _, _ in CASES])
def test_first_broken_rule_decides(bench: Bench, log: LogSimulator, case: str, status: int, breaker: Breaker) -> None:
    bench.submit(log.request(0, 5))
    before = bench.state(log)
    with pytest.raises(TlogError) as refusal:
        bench.submit(breaker(log))
    assert (status_of(refusal.value), bench.state(log)) == (status, before), str(refusal.value)


def test_first_contact_refusals(bench: Bench, log: LogSimulator) -> None:
    cases = [
        (log.request(3, 5), 409),
        (log.request(0, 0, root=BAD_ROOT), 422),
        (log.request(0, 5, proof=[b"\3" * 32]), 422),
        (log.request(0, 0, proof=[b"\3" * 32]), 422),
    ]
    for request, status in cases:
        with pytest.raises(TlogError) as refusal:
            bench.submit(request)
        assert status_of(refusal.value) == status
    assert bench.state(log).timestamp == 0


def test_quota_comes_after_the_signature_and_before_the_size(bench: Bench) -> None:
    log = LogSimulator.make()
    bench.trust(log, limit=1)
    bench.submit(log.request(0, 5))
    for request, status in [(log.request(4, 9), 429), (log.request(5, 5), 429), (unsigned(log, 4, 9), 403)]:
        with pytest.raises(TlogError) as refusal:
            bench.submit(request)
        assert status_of(refusal.value) == status


def test_clock_comes_last(bench: Bench, log: LogSimulator) -> None:
    bench.submit(log.request(0, 5))
    bench.now -= 1
    for request, status in [(log.request(4, 9), 409), (log.request(5, 9, proof=[]), 422), (log.request(5, 9), 503)]:
        with pytest.raises(TlogError) as refusal:
            bench.submit(request)
        assert status_of(refusal.value) == status


def test_one_of_two_trusted_signatures_fails(bench: Bench, log: LogSimulator) -> None:
    """A trusted key's failing signature spoils the note, although the other one is good (signed-note)."""
    note = log.note(5)
    good, other = note.signatures
    broken = Signature(other.name, other.key_id, other.value[:-1] + bytes([other.value[-1] ^ 1]))
    with pytest.raises(TlogError) as refusal:
        bench.submit(body(0, (), Note(note.text, (good, broken)).encode()))
    assert status_of(refusal.value) == 403
