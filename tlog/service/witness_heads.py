"""What each witness says it holds: the checkpoint that it shows to everybody, compared with the log's own tree.

A witness serves the largest checkpoint it cosigned at `<prefix>/<origin hash>/checkpoint` (C2SP tlog-witness). The
log asks for it only to show it beside its own: what the publisher trusts does not come from here. Rules:

* A head counts only if that witness's own key cosigned it.
* `same` and `behind`: our tree has that root at that size. `ahead`: it is larger than anything this log signed.
  `differs`: our tree has another root at that size. `silent`: it shows no head that verifies, and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp

from tlog.errors import TlogError
from tlog.formats.add_checkpoint import origin_hash
from tlog.formats.checkpoint import Checkpoint, open_checkpoint
from tlog.formats.cosignature import cosignature_timestamp, verifier_for
from tlog.formats.note import verified_signatures
from tlog.formats.policy import WitnessLine
from tlog.service.feeder import WitnessFeeder

FRESH_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 3.0
_MAX_BYTES: Final = 128 * 1024

Agreement = Literal["same", "behind", "ahead", "differs", "silent"]


@dataclass(frozen=True, slots=True)
class WitnessHead:
    """A witness's own head. `cosigned_at` in POSIX seconds, by its clock; None and `reason` where it is silent."""

    label: str
    url: str
    agreement: Agreement
    size: int | None = None
    root: bytes | None = None
    cosigned_at: int | None = None
    reason: str | None = None


class WitnessHeads:
    """Asks for heads when somebody wants to see them, at most every `FRESH_SECONDS`. Belongs to one event loop."""

    def __init__(
        self,
        origin: str,
        feeders: Sequence[WitnessFeeder],
        session: aiohttp.ClientSession,
        signed_size: Callable[[], int],
        root: Callable[[int], Awaitable[bytes]],
    ) -> None:
        """`signed_size` is the largest size this log signed, `root` its tree's root at a size up to that."""
        self._origin = origin
        self._feeders = feeders
        self._session = session
        self._signed_size = signed_size
        self._root = root
        self._heads: dict[str, WitnessHead] = {}
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def newest(self, patience: float) -> list[WitnessHead]:
        """Return the heads known after at most `patience` seconds; `silent` where a witness was never heard."""
        loop = asyncio.get_running_loop()
        if self._asking is None and loop.time() - self._asked_at >= FRESH_SECONDS:
            self._asking = loop.create_task(self._ask_all(), name="witness heads")
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=patience)
        return [self._heads.get(feeder.url) or _silent(feeder, "not asked yet") for feeder in self._feeders]

    async def close(self) -> None:
        """Give up on what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask_all(self) -> None:
        try:
            for head in await asyncio.gather(*map(self._ask, self._feeders)):
                self._heads[head.url] = head
        finally:
            self._asked_at = asyncio.get_running_loop().time()
            self._asking = None

    async def _ask(self, feeder: WitnessFeeder) -> WitnessHead:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._compared(feeder, await self._fetch(feeder))
        except TlogError as error:
            return _silent(feeder, f"what it shows does not verify: {error}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _silent(feeder, f"it does not answer: {type(error).__name__}")

    async def _fetch(self, feeder: WitnessFeeder) -> bytes:
        url = f"{feeder.url}/{origin_hash(self._origin)}/checkpoint"
        async with self._session.get(url, allow_redirects=False) as answer:
            answer.raise_for_status()
            data = await answer.content.read(_MAX_BYTES + 1)
            while len(data) <= _MAX_BYTES and (more := await answer.content.read(_MAX_BYTES)):
                data += more
        if len(data) > _MAX_BYTES:
            raise ValueError("too long")
        return data

    async def _compared(self, feeder: WitnessFeeder, data: bytes) -> WitnessHead:
        checkpoint, cosigned_at = open_head(data, self._origin, feeder.lines)
        signed = self._signed_size()
        ours = await self._root(checkpoint.size) if checkpoint.size <= signed else None
        agreement = compare(checkpoint, ours, signed)
        return WitnessHead(feeder.label, feeder.url, agreement, checkpoint.size, checkpoint.root, cosigned_at)


def open_head(data: bytes, origin: str, lines: Sequence[WitnessLine]) -> tuple[Checkpoint, int]:
    """Return a head that one of the witness's keys cosigned, and when (POSIX seconds).

    Raises what `open_checkpoint` raises.
    """
    types = {(line.vkey.name, line.vkey.key_id): line.vkey.type for line in lines}
    verifiers = [verifier_for(line.vkey) for line in lines]
    checkpoint, note = open_checkpoint(data, origin, verifiers)
    signatures = verified_signatures(note, verifiers)
    return checkpoint, max(cosignature_timestamp(each.value, types[each.key]) for each in signatures)


def compare(head: Checkpoint, ours: bytes | None, signed_size: int) -> Agreement:
    """Return how a witness's head stands to a tree of `signed_size` leaves with the root `ours` at the head's size."""
    if ours is None:
        return "ahead"
    if head.root != ours:
        return "differs"
    return "same" if head.size == signed_size else "behind"


def _silent(feeder: WitnessFeeder, reason: str) -> WitnessHead:
    return WitnessHead(feeder.label, feeder.url, "silent", reason=reason)
