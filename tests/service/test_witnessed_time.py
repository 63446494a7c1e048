"""Nothing expires because this machine's clock is wrong: the witnesses, real ones, must bear it out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.service.expired import CLASSES, Clock, expired, retention, run_due
from tests.service.test_erasure import about, append, opened, settings
from tests.service.witnesses import RunningWitness
from tests.support import MadeLog, make_parts, running_log
from tlog.errors import Unavailable
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import Ed25519CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note
from tlog.formats.policy import Group, LogLine, Policy, WitnessLine
from tlog.service import retention as module
from tlog.service.witnessed_time import believable_time
from tlog.storage.log_store import StoredCheckpoint

DAY = 86_400_000_000


@asynccontextmanager
async def witnessed_log(folder: Path, clock: Clock, theirs: Clock) -> AsyncIterator[tuple[MadeLog, RunningWitness]]:
    """Run a log with this clock and a witness with its own."""
    parts, keyring_database = make_parts(folder / "log")
    parts.database.close()
    keyring_database.close()
    witness = RunningWitness(folder / "witness", "w.example", parts.signer.vkeys, lambda: theirs() // 1_000_000)
    await witness.start()
    try:
        group = witness.group()
        options = {"witnesses": witness.lines(), "groups": [group], "quorum": group.name, "retention": CLASSES}
        kept = settings(quorum_timeout=1.0)
        async with running_log(folder / "log", now=clock, settings=kept, **options) as made:
            yield made, witness
    finally:
        await witness.stop()
        witness.close()


async def test_a_clock_that_is_years_ahead_expires_nothing_and_says_why(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        clock.on(2031, 1)
        with pytest.raises(Unavailable, match="this machine's clock is ahead of the witnesses' by over a day"):
            await retention(made).run_due()
        assert expired(made) == set()
        assert "standard/2025-01" in made.parts.keyring.cohort_names()
        assert opened(made, 1).entry["action"] == "tlog.retention.check"
        assert retention(made).due_count() == 0


async def test_an_honest_clock_expires_what_is_due_though_the_log_was_quiet_for_years(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        for each in (clock, theirs):
            each.on(2028, 1)
        assert retention(made).due_count() == 0  # nobody has said so yet
        assert await run_due(made) == ["standard/2025-01"]
        assert expired(made) == {0}


async def test_a_day_ahead_is_believed_and_more_is_not(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        clock.on(2026, 2, 1)
        theirs.on(2026, 1, 30)
        with pytest.raises(Unavailable):
            await run_due(made)
        theirs.on(2026, 1, 31)
        assert await run_due(made) == ["standard/2025-01"]


async def test_without_an_answer_of_the_witnesses_nothing_expires_and_one_entry_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(size: int) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "_CHECK_SECONDS", 0.2)
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        theirs.on(2025, 2)
        clock.on(2028, 1)
        monkeypatch.setattr(retention(made), "_witnessed", never)
        for _ in range(3):
            with pytest.raises(Unavailable, match="no witness says what time it is"):
                await retention(made).run_due()
        assert (made.log.store.state().size, expired(made)) == (2, set())


async def test_witnesses_say_the_least_that_is_believed(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        policy, published = made.log.policy, made.log.publisher.published
        assert believable_time(theirs() - 1, published, policy) == theirs() - 1
        assert believable_time(theirs() + DAY, published, policy) == theirs() + DAY
        assert believable_time(theirs() + DAY + 1, published, policy) == theirs() + DAY
        assert believable_time(clock(), None, policy) == 0
        alone = Policy(policy.logs, (), (), b"none")
        assert believable_time(theirs() + 99 * DAY, published, alone) == theirs() + 99 * DAY


class Signed:
    """A log, three witnesses and checkpoints of theirs with whatever times."""

    def __init__(self) -> None:
        self.log = Ed25519Signer("example.com/log", Ed25519PrivateKey.generate())
        self.keys = [Ed25519CosignatureSigner(f"w{n}.example", Ed25519PrivateKey.generate()) for n in (1, 2, 3)]
        self.lines = tuple(WitnessLine(f"w{n}".encode(), key.vkey) for n, key in enumerate(self.keys, 1))

    def policy(self, quorum: bytes, *groups: Group) -> Policy:
        return Policy((LogLine(self.log.vkey),), self.lines, groups, quorum)

    def published(self, *seconds: int | None) -> StoredCheckpoint:
        """A checkpoint cosigned by the witnesses at these times; by none where it says None."""
        text = Checkpoint("example.com/log", 1, bytes(32)).text()
        made = [key.cosign(text, at) for key, at in zip(self.keys, seconds, strict=True) if at is not None]
        return StoredCheckpoint(1, bytes(32), Note(text, (self.log.sign(text), *made)).encode(), 0, 0)


def days(number: float) -> int:
    return round(1_800_000_000 + number * 86_400)


NOW = days(100) * 1_000_000


@pytest.mark.parametrize(
    ("threshold", "said", "day"),
    [
        (2, (0, 90, 90), 90),  # one far behind stops nothing
        (2, (90, 90, 999), 90),  # one far ahead moves nothing
        (2, (0, 90, 999), 90),
        (2, (10, 20, 30), 20),
        (2, (10, None, 30), 10),
        (1, (0, 0, 50), 50),
        (3, (0, 90, 90), 0),  # all are needed, all must bear it out
    ],
)
def test_the_latest_time_that_a_quorum_bears_out(threshold: int, said: Sequence[int | None], day: int) -> None:
    made = Signed()
    policy = made.policy(b"q", Group(b"q", threshold, (b"w1", b"w2", b"w3")))
    published = made.published(*(None if at is None else days(at) for at in said))
    assert believable_time(NOW, published, policy) == min(NOW, days(day + 1) * 1_000_000)


def test_groups_in_groups_count_as_they_do_for_a_checkpoint() -> None:
    """w1 must be among them, and one of the others."""
    made = Signed()
    policy = made.policy(b"both", Group(b"rest", 1, (b"w2", b"w3")), Group(b"both", 2, (b"w1", b"rest")))
    for said, day in (((50, 0, 60), 50), ((50, 40, 30), 40), ((0, 90, 90), 0), ((90, 0, 0), 0)):
        published = made.published(*map(days, said))
        assert believable_time(NOW, published, policy) == days(day + 1) * 1_000_000


def test_without_a_quorum_no_time_is_believed() -> None:
    made = Signed()
    policy = made.policy(b"q", Group(b"q", 2, (b"w1", b"w2", b"w3")))
    assert believable_time(NOW, made.published(days(90), None, None), policy) == 0
    assert believable_time(NOW, made.published(None, None, None), policy) == 0
    alone = made.policy(b"none")
    assert believable_time(NOW, made.published(None, None, None), alone) == NOW
    assert believable_time(NOW, made.published(days(0), days(50), None), alone) == days(51) * 1_000_000


@given(st.lists(st.integers(0, 200), min_size=3, max_size=3), st.integers(0, 2), st.integers(0, 10_000))
def test_no_witness_alone_moves_the_time_beyond_the_others(said: list[int], liar: int, claims: int) -> None:
    """With two of three: whatever one of them says, it is within what the other two say."""
    honest = [days(at) for n, at in enumerate(said) if n != liar]
    times = [days(at) for at in said]
    times[liar] = days(0) + claims * 86_400
    made, ahead = SIGNED, days(20_000) * 1_000_000
    policy = made.policy(b"q", Group(b"q", 2, (b"w1", b"w2", b"w3")))
    believed = believable_time(ahead, made.published(*times), policy) - DAY
    assert min(honest) * 1_000_000 <= believed <= max(honest) * 1_000_000


SIGNED = Signed()
