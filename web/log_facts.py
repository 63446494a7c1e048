"""What the pages for everybody show of a log: read once a page, nothing of it personal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tlog.errors import TlogError
from tlog.formats.policy import Policy
from tlog.formats.quorum import Standing, printable, standing
from tlog.http.running import publisher_of
from tlog.service.log import Log
from tlog.service.quorum import WitnessStatus
from tlog.service.witness_heads import WitnessHead
from tlog.storage.expiry_pause import Pause
from tlog.storage.log_store import StoredCheckpoint

HEAD_PATIENCE = 0.08
"""Seconds a page waits for the witnesses' own heads; what comes later is on the next one."""


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """What the log last got from a witness. Times in microseconds; `size` 0 with no time: nothing since the start."""

    label: str
    url: str
    size: int
    cosigned_at: int | None
    refusal: str | None
    silent: bool
    head: WitnessHead

    @property
    def is_heard(self) -> bool:
        """Whether it cosigned when it was last asked."""
        return self.cosigned_at is not None and self.refusal is None


@dataclass(frozen=True, slots=True)
class LogFacts:
    """A log at one moment. Times in microseconds.

    `newest` is the checkpoint that the witnesses were last asked to cosign: where the log can't publish, the one that
    it can't. `quorum` is how the policy's quorum stands on it. `missing` counts the numbers of all sources that did not
    come; None while they are not counted yet.
    """

    origin: str
    now: int
    size: int
    integrated_size: int
    witnessed: StoredCheckpoint | None
    newest: StoredCheckpoint | None
    published: StoredCheckpoint | None
    problem: str | None
    halted: bool
    paused: Pause | None
    quorum: Standing
    distrusted: str | None
    witnesses: tuple[AskedWitness, ...]
    missing: int | None
    growth: tuple[tuple[int, int], ...]


async def log_facts(log: Log) -> LogFacts:
    """Read them. Raises `Unavailable` while the log is starting, `StorageFault`."""
    publisher_of(log)
    heads = {head.url: head for head in await log.heads.newest(HEAD_PATIENCE)}
    reports = await log.completeness.reports(HEAD_PATIENCE)
    missing = None if reports is None else sum(report.missing() for report in reports)
    return await asyncio.to_thread(_read, log, heads, missing)


def _read(log: Log, heads: Mapping[str, WitnessHead], missing: int | None) -> LogFacts:
    state = log.store.state()
    witnessed = log.store.last_witnessed()
    quorum, distrusted = _quorum(log.policy, witnessed.note if witnessed else None)
    asked = tuple(_asked(status, heads[status.url]) for status in log.witnesses.status.values())
    signed = log.store.last_signed() if log.publisher.problem is not None else None
    if signed is not None and signed.witnessed_at is None:
        quorum = _standing(log.policy, asked, signed.size)
    else:
        signed = None  # one that is before the witnesses just now is not news
    return LogFacts(
        origin=state.origin,
        now=log.acts.now(),
        size=state.size,
        integrated_size=state.integrated_size,
        witnessed=witnessed,
        newest=signed or witnessed,
        published=log.publisher.published,
        problem=log.publisher.problem,
        halted=log.publisher.halted,
        paused=log.retention.paused() if log.retention is not None else None,
        quorum=quorum,
        distrusted=distrusted,
        witnesses=asked,
        missing=missing,
        growth=tuple(log.store.growth()),
    )


def _asked(status: WitnessStatus, head: WitnessHead) -> AskedWitness:
    return AskedWitness(status.label, status.url, status.size, status.cosigned_at, status.refusal, status.silent, head)


def _standing(policy: Policy, asked: Iterable[AskedWitness], size: int) -> Standing:
    """Return how the quorum stands on a checkpoint that was not published: by who cosigned it, as they answered."""
    urls = {witness.url for witness in asked if witness.is_heard and witness.size >= size}
    return standing(policy.quorum, policy.groups, {line.name for line in policy.witnesses if line.url in urls})


@lru_cache(maxsize=8)
def _quorum(policy: Policy, note: bytes | None) -> tuple[Standing, str | None]:
    """Return how the policy's quorum stands on a note, and why today's policy refuses the note, if it does.

    Kept, because a post-quantum signature takes long to verify and a note does not change.
    """
    cosigned: set[bytes] = set()
    refused = None
    if note is not None:
        try:
            cosigned = set(policy.verify_checkpoint(note).cosigned)
        except TlogError as error:
            refused = str(error)
    return standing(policy.quorum, policy.groups, cosigned), refused


def member_name(name: bytes) -> str:
    """Return a quorum's member for people."""
    return printable(name)
