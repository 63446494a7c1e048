"""`tlog demo --once`: append, wait until witnessed, verify offline what can be verified, and say what held."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tlog.cli.demo.check import Auditor
from tlog.cli.demo.concurrent import guarded
from tlog.cli.demo.entries import EntryGenerator, working_hours
from tlog.cli.demo.feed import Feed, open_feed, published
from tlog.cli.demo.stage import QUORUM, WITNESSES, Say, Stage
from tlog.cli.demo.tamper import refusals
from tlog.cli.demo.watch import watch
from tlog.client.verifier import OfflineVerifier
from tlog.errors import StorageFault, TlogError
from tlog.formats.tlog_proof import TlogProof
from tlog.service.log_parts import now_us

PROOFS: Final = 200
OPENED: Final = 20  # entries read back and compared with their leaves


@dataclass(slots=True)
class Outcome:
    """What `--once` prints: what was reached so far, and `ok` only if everything held.

    `proofs_verified` and `consistency_verified` count proofs and pairs of neighbouring checkpoints; `seconds`
    is from the first append to the last check.
    """

    entries: int = 0
    tree_size: int = 0
    checkpoints: int = 0
    witnesses: int = len(WITNESSES)
    quorum: int = QUORUM
    proofs_verified: int = 0
    consistency_verified: int = 0
    tampered_refused: bool = False
    seconds: float = 0.0
    ok: bool = False

    def values(self) -> dict[str, object]:
        """Return it as JSON values."""
        return asdict(self)

    def text(self) -> str:
        """Return it for people."""
        lines = [
            f"{self.entries} entries appended, tree of {self.tree_size}; witnesses {self.quorum} of {self.witnesses}",
            f"{self.proofs_verified} random proofs verified offline",
            f"{self.consistency_verified} pairs of the {self.checkpoints} checkpoints verified to be consistent",
            f"corrupted copies of a proof {'refused' if self.tampered_refused else 'NOT refused'}",
            f"{'ok' if self.ok else 'FAILED'} in {self.seconds:.1f} seconds",
        ]
        return "\n".join(lines)


async def run_once(stage: Stage, entries: int, seed: int, outcome: Outcome, say: Say) -> None:
    """Do it all, and note in `outcome` what held. Raises a `TlogError` for the first thing that did not."""
    start = time.monotonic()
    try:
        await guarded(_Once(stage, entries, seed, outcome, say).run(), watch(stage, say))
        outcome.ok = True
    finally:
        outcome.seconds = round(time.monotonic() - start, 3)


class _Once:
    def __init__(self, stage: Stage, entries: int, seed: int, outcome: Outcome, say: Say) -> None:
        self._stage = stage
        self._entries = entries
        self._random = Random(seed)  # noqa: S311 - picks samples
        self._generator = EntryGenerator(seed)
        self._verifier = OfflineVerifier(stage.policy)
        self._outcome = outcome
        self._say = say

    async def run(self) -> None:
        async with open_feed(self._stage) as feed:
            ids = await self._append(feed)
            auditor = Auditor(self._verifier, feed.auditor, ids)
            proofs = await self._check_proofs(auditor, sorted(ids))
            await self._check_checkpoints(auditor)
            self._check_tampered(proofs[0])

    async def _append(self, feed: Feed) -> dict[int, str]:
        times = working_hours(self._random, now_us(), self._entries)
        with _progress() as bar:
            task = bar.add_task("appended", total=self._entries)
            ids = await feed.append_all(map(self._generator.next, times), lambda stored: bar.advance(task, stored))
        self._outcome.entries = len(ids)
        if len(ids) != self._entries:
            raise StorageFault(f"the log did not acknowledge {self._entries} entries, each with an index of its own")
        self._say(f"{len(ids)} entries are durable; waiting until they are witnessed")
        self._outcome.tree_size = (await published(self._stage, feed.auditor, max(ids) + 1)).size
        return ids

    async def _check_proofs(self, auditor: Auditor, appended: Sequence[int]) -> list[TlogProof]:
        indices = self._random.sample(appended, min(PROOFS, self._entries))
        proofs = await auditor.proofs(indices)
        self._outcome.proofs_verified = len(proofs)
        self._say(f"{len(proofs)} random proofs verified offline")
        opened = proofs[:OPENED]
        await auditor.entries(opened)
        self._say(f"{len(opened)} entries read back: their disclosures make up their leaves")
        return proofs

    async def _check_checkpoints(self, auditor: Auditor) -> None:
        checkpoints = await auditor.checkpoints(self._outcome.tree_size)
        self._outcome.checkpoints = len(checkpoints)
        self._outcome.consistency_verified = await auditor.consistency(checkpoints)
        self._say(f"{len(checkpoints)} checkpoints verified, each consistent with the one before")

    def _check_tampered(self, proof: TlogProof) -> None:
        found = refusals(self._verifier, proof.encode())
        accepted = [place for place, check in found.items() if not check]
        if accepted:
            raise TamperedAccepted(f"a proof changed in its {', '.join(accepted)} was accepted")
        self._outcome.tampered_refused = True
        refused = ", ".join(f"{place} ({check})" for place, check in found.items())
        self._say(f"copies of a proof changed in one place each were refused, by the check in brackets: {refused}")


class TamperedAccepted(TlogError):
    """The verifier accepted a corrupted proof."""


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
