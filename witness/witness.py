"""The witness itself: add-checkpoint bodies in, cosignatures or refusals out. Synchronous, thread-safe.

A batch of requests shares one read of the database and one durable write:

    parse -> snapshot -> clock -> check and cosign each (CPU, in a pool) -> commit all -> answers

A cosignature is made before the commit and leaves only after it. If the state moved in between, the commit
refuses that change, the cosignature is thrown away, and the request is decided again from the new state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import structlog

from tlog.errors import ConsistencyInvalid, StorageFault, TlogError, Unavailable
from tlog.formats.note import Note, Signature
from witness import rules
from witness.changes import Change, Outcome
from witness.errors import Halted, InternalFault, RootInvalid
from witness.keys import Cosigner
from witness.rules import LogState, Submission
from witness.store import LogRecord, Snapshot, Store

MAX_DECISIONS = 4
"""How often one request is decided because another was faster; each time, some other request succeeded."""

Answer = bytes | TlogError
"""Signature lines, or the refusal."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to answer, once `change` is durable; without a change, at once."""

    answer: Answer
    change: Change | None = None


class Witness:
    """One witness over its store, its keys and a clock (POSIX seconds).

    `pool` runs the signature work of one batch in parallel. `before_commit` is called between the checks and
    the commit of every batch; tests force races with it. `halted` is why nothing is signed any more.
    """

    def __init__(
        self,
        store: Store,
        cosigner: Cosigner,
        clock: Callable[[], int],
        pool: Executor | None = None,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._cosigner = cosigner
        self._clock = clock
        self._map: Callable[..., Iterable[Decision]] = map if pool is None else pool.map
        self._before_commit = before_commit
        self.halted: str | None = None

    def add_checkpoint(self, body: bytes) -> bytes:
        """Answer one request with signature lines. Raises the refusal, a `TlogError`."""
        [answer] = self.add_checkpoints([body])
        if isinstance(answer, TlogError):
            raise answer
        return answer

    def add_checkpoints(self, bodies: Sequence[bytes]) -> list[Answer]:
        """Answer a batch, one answer per body. Every cosignature returned is of a state already durable."""
        parsed = [_parse(body) for body in bodies]
        answers = iter(self._answer_all([item for item in parsed if isinstance(item, Submission)]))
        return [next(answers) if isinstance(item, Submission) else item for item in parsed]

    def monitored(self, origin_hash: str) -> bytes | None:
        """Return the latest cosigned note of the log with this origin hash (hex); None if there is none."""
        return self._store.note_at(origin_hash)

    def check_ready(self) -> None:
        """Raise what would keep this witness from signing now: `Halted`, `Unavailable`, or `ClockBehind`."""
        self._refuse_if_halted()
        last = self._store.snapshot(()).last_timestamp
        rules.check_clock(self._clock(), last)

    def _refuse_if_halted(self) -> None:
        if self.halted is not None:
            raise Halted(self.halted)

    def _answer_all(self, submissions: list[Submission]) -> list[Answer]:
        answers: list[Answer] = [_OVERTAKEN] * len(submissions)
        open_ = list(range(len(submissions)))
        for _ in range(MAX_DECISIONS):
            if not open_:
                break
            round_ = self._decide_and_commit([submissions[i] for i in open_])
            for i, answer in zip(open_, round_, strict=True):
                answers[i] = _OVERTAKEN if answer is None else answer
            open_ = [i for i, answer in zip(open_, round_, strict=True) if answer is None]
        return answers

    def _decide_and_commit(self, submissions: list[Submission]) -> list[Answer | None]:
        """Return one answer each; None where another request moved the state first."""
        try:
            self._refuse_if_halted()
            snapshot = self._store.snapshot(submission.checkpoint.origin for submission in submissions)
        except TlogError as failure:
            return [failure] * len(submissions)
        now = self._clock()  # after the snapshot: a right clock reads no less than what was committed before
        decisions = list(self._map(lambda submission: self._decide(submission, snapshot, now), submissions))
        self._before_commit()
        return self._commit(decisions, now)

    def _decide(self, submission: Submission, snapshot: Snapshot, now: int) -> Decision:
        record = snapshot.records.get(submission.checkpoint.origin)
        if record is None:
            return Decision(rules.unknown_origin())
        try:
            signatures = rules.authenticate(submission, record.log)
            rules.check_quota(record.log, record.usage, now)
        except TlogError as refusal:
            return Decision(refusal)
        except Exception as error:  # a bug must cost one request its answer, not the others theirs
            return Decision(_internal_fault(error))
        return self._decide_authentic(submission, signatures, record, snapshot.last_timestamp, now)

    def _decide_authentic(
        self, submission: Submission, signatures: Sequence[Signature], record: LogRecord, last: int, now: int
    ) -> Decision:
        counted = Change(record.log.origin, now, record.state) if record.log.requests_per_day is not None else None
        try:
            rules.check_extends(submission, record.state)
            rules.check_clock(now, last)
            own = self._cosigner.cosign(submission.note.text, now)
        except TlogError as refusal:
            _report(submission, refusal, record.state)
            return Decision(refusal, counted)
        except Exception as error:
            return Decision(_internal_fault(error), counted)
        new = LogState(submission.checkpoint.size, submission.checkpoint.root, now)
        note = Note(submission.note.text, (*signatures, *own)).encode()
        lines = "".join(signature.line() for signature in own).encode()
        return Decision(lines, Change(record.log.origin, now, record.state, new, note))

    def _commit(self, decisions: list[Decision], now: int) -> list[Answer | None]:
        changes = [decision.change for decision in decisions if decision.change is not None]
        failure: TlogError | None = None
        outcomes: Iterator[Outcome] = iter(())
        try:
            if changes:
                outcomes = iter(self._store.commit(changes))
        except StorageFault as error:
            # The COMMIT may or may not be on the disk, and after a failed fsync a second try may lie. Only a
            # restart, which reads what the disk holds, can tell: until then this process signs nothing.
            self.halted = f"a write failed, restart the witness once its disk is sound: {error}"
            logger.critical("halted", reason=self.halted)
            failure = error
        except TlogError as error:
            failure = error
        return [
            decision.answer if decision.change is None else failure or _settled(decision, next(outcomes), now)
            for decision in decisions
        ]


def _parse(body: bytes) -> Submission | TlogError:
    try:
        return rules.parse_submission(body)
    except TlogError as refusal:
        return refusal
    except Exception as error:
        return _internal_fault(error)


def _settled(decision: Decision, outcome: Outcome, now: int) -> Answer | None:
    match outcome:
        case Outcome.DONE:
            return decision.answer
        case Outcome.QUOTA_REACHED:
            return rules.quota_exceeded(now)
        case Outcome.STATE_MOVED:
            return None


def _internal_fault(error: Exception) -> InternalFault:
    logger.error("internal fault", exc_info=error)
    return InternalFault("the witness failed to handle this request; nothing was signed")


def _report(submission: Submission, refusal: TlogError, state: LogState) -> None:
    """Keep what a log signed and should not have: it may prove that the log shows two trees."""
    if isinstance(refusal, RootInvalid | ConsistencyInvalid):
        logger.warning(
            "inconsistent checkpoint",
            reason=str(refusal),
            known_size=state.size,
            known_root=state.root.hex(),
            checkpoint=submission.note.encode().decode()[:8192],
        )


_OVERTAKEN = Unavailable("other requests for this log were faster each time; ask again")
