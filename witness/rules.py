"""What a witness demands before it cosigns. No I/O, no clock, no randomness: all of it is passed in.

Invariants, for every origin, whatever is asked and however often the process dies:

1. A cosigned checkpoint carries a verified signature by a key that the operator configured for its origin.
2. Every cosigned checkpoint is consistent with the one cosigned, or pinned, before it. Sizes never shrink,
   and one size has one root hash.
3. The state moves only from the exact state that the checks were made against (`Store.commit` compares and
   swaps).
4. A cosignature's time is never 0 and never below that of an earlier one of the same log.
5. What is stored holds the checkpoint's text, the log signatures verified here and this witness's own
   cosignatures: nothing else that a client sent, however much it looks like ours.
6. Extension lines are cosigned only if a verified Ed25519 signature of the log covers them. ML-DSA-44
   signatures do not (tlog-cosignature, "ML-DSA-44 signed message"), so anyone could have written them.

The order of the checks is the order of the status codes in C2SP tlog-witness, "add-checkpoint":
400 (`parse_submission`), 404 and 403 (`authenticate`), 429 (`check_quota`), 409 and 422 (`check_extends`),
503 (`check_clock`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.errors import ClockBehind, NoTrustedSignature, OriginUnknown, TooManyRequests
from tlog.formats.add_checkpoint import parse_add_checkpoint
from tlog.formats.checkpoint import Checkpoint, parse_checkpoint
from tlog.formats.note import Note, Signature, Verifier, parse_note, verify_note
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.merkle.verify import verify_consistency
from witness.errors import ExtensionsUnsigned, OldSizeAhead, OldSizeMismatch, RootInvalid

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LogState:
    """The latest checkpoint known for an origin: its size in leaves, its root, and when we cosigned it.

    `timestamp` is in POSIX seconds; 0 says that we cosigned nothing yet (first contact, or pinned).
    """

    size: int
    root: bytes
    timestamp: int


FIRST_CONTACT = LogState(size=0, root=EMPTY_ROOT, timestamp=0)


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """What the operator configured for an origin.

    `text_keys` are the (name, key ID) pairs of the keys whose signatures cover extension lines.
    `requests_per_day` is None where there is no limit.
    """

    origin: str
    verifiers: tuple[Verifier, ...]
    text_keys: frozenset[tuple[str, bytes]]
    requests_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests counted for a log in one UTC day; `day` counts from the epoch."""

    day: int
    requests: int


@dataclass(frozen=True, slots=True)
class Submission:
    """A well-formed add-checkpoint request; nothing in it is trusted yet."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note


def parse_submission(body: bytes) -> Submission:
    """Read an add-checkpoint body. Raises a `Malformed` subclass, or `OldSizeAhead`."""
    request = parse_add_checkpoint(body)
    note = parse_note(request.checkpoint)
    checkpoint = parse_checkpoint(note.text)
    if request.old_size > checkpoint.size:
        raise OldSizeAhead(f"old size {request.old_size} is above the checkpoint's size {checkpoint.size}")
    return Submission(request.old_size, tuple(request.proof), checkpoint, note)


def unknown_origin() -> OriginUnknown:
    """Return the refusal of an origin that the operator configured no log for."""
    return OriginUnknown("this witness does not know the checkpoint's origin")


def authenticate(submission: Submission, log: TrustedLog) -> tuple[Signature, ...]:
    """Return the log signatures that verify.

    Raises `OriginUnknown`; `NoTrustedSignature`, `SignatureInvalid` or `ExtensionsUnsigned`.
    """
    if log.origin != submission.checkpoint.origin:
        raise unknown_origin()
    verified = verify_note(submission.note, log.verifiers)
    if not verified:
        raise NoTrustedSignature("no signature by a key this witness trusts for the origin")
    if submission.checkpoint.extensions and not _covers_text(verified, log):
        raise ExtensionsUnsigned(
            "no verified signature covers the extension lines: an ML-DSA-44 signature leaves them out"
        )
    return verified


def _covers_text(verified: Sequence[Signature], log: TrustedLog) -> bool:
    return any((signature.name, signature.key_id) in log.text_keys for signature in verified)


def check_quota(log: TrustedLog, usage: Usage, now: int) -> None:
    """Raise `TooManyRequests` if the log used up its requests of this UTC day. `now` in POSIX seconds."""
    limit = log.requests_per_day
    if limit is not None and usage.day == now // SECONDS_PER_DAY and usage.requests >= limit:
        raise quota_exceeded(now)


def quota_exceeded(now: int) -> TooManyRequests:
    """Return the refusal, good until the next UTC day. `now` in POSIX seconds."""
    return TooManyRequests(
        "this log used up the requests it may make in this UTC day",
        retry_after=SECONDS_PER_DAY - now % SECONDS_PER_DAY,
    )


def check_extends(submission: Submission, state: LogState) -> None:
    """Check that the submitted checkpoint extends the known one.

    Raises `OldSizeMismatch`, `RootInvalid`, or `ConsistencyInvalid`.
    """
    new = submission.checkpoint
    if submission.old_size != state.size:
        raise OldSizeMismatch(state.size)
    if new.size == 0 and new.root != EMPTY_ROOT:
        raise RootInvalid("a checkpoint of size 0 must have the root of the empty tree, SHA-256 of no bytes")
    if new.size == state.size and new.root != state.root:
        raise RootInvalid(f"another root hash is already known at size {state.size}")
    verify_consistency(state.size, new.size, submission.proof, state.root, new.root)


def check_clock(now: int, last_timestamp: int) -> None:
    """Raise `ClockBehind` unless `now` may stand in a cosignature. Both in POSIX seconds.

    `last_timestamp` is the latest time this witness signed for any log. A clock behind it was set back, or
    this machine was restored; a signature now would contradict one already given.
    """
    if now <= 0 or now < last_timestamp:
        raise ClockBehind(
            f"this witness's clock reads {now}, but it already signed at {last_timestamp}: "
            "nothing is signed until the clock is right"
        )
