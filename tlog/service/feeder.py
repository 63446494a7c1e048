"""One witness as the log sees it: submit a checkpoint, take the cosignatures, notice what it knows.

The conversation is that of C2SP tlog-witness `add-checkpoint`. The log remembers the size the witness last
cosigned; where that is wrong (a first contact, a restart), the witness answers 409 with the right one and
is asked again.

A witness that claims a tree larger than ours, or another root at our size, may be right: our database may
be yesterday's. Its claim alone proves nothing, so the checkpoint it holds is fetched. If our own signature
is on it, the log was rolled back (`WitnessKnowsMore`); otherwise it is this witness that is at fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import aiohttp

from tlog.errors import Malformed, MalformedRequest, ServiceError, TlogError, VerificationFailed
from tlog.formats.add_checkpoint import AddCheckpoint, origin_hash, parse_size_body
from tlog.formats.checkpoint import Checkpoint, open_checkpoint
from tlog.formats.cosignature import verifier_for
from tlog.formats.note import Note, Signature, Verifier, parse_signature_lines, verify_note
from tlog.formats.policy import WitnessLine

_MAX_ANSWER_BYTES = 128 * 1024
_ATTEMPTS = 3


class History(Protocol):
    """What the log can say of its own past; both read tiles, off the event loop. Raise `TlogError` subclasses."""

    async def proof(self, old: int, new: int) -> Sequence[bytes]:
        """Return the consistency proof from `old` to `new` leaves."""
        ...

    async def root(self, size: int) -> bytes:
        """Return the root hash of the first `size` leaves."""
        ...


class WitnessRefused(ServiceError):
    """This witness gave no cosignature this time; the message says what it answered."""


class WitnessSilent(WitnessRefused):
    """This witness could not be reached."""


class WitnessKnowsMore(ServiceError):
    """The witness holds a checkpoint with our signature that our database does not know: it was rolled back."""


class WitnessFeeder:
    """The submissions to one witness URL, one at a time. Belongs to one event loop."""

    def __init__(
        self,
        lines: Sequence[WitnessLine],
        log: Sequence[Verifier],
        signed_size: Callable[[], int],
        session: aiohttp.ClientSession,
    ) -> None:
        """`lines` are the policy's keys of this witness, all with its submission prefix as URL.

        `log` recognises our own signatures; `signed_size` is the largest size our database says we signed.
        """
        url = lines[0].url
        if url is None:
            raise ValueError("a witness without a URL can't be fed")
        self.url = url.rstrip("/")
        self.lines = tuple(lines)
        self._verifiers = [verifier_for(line.vkey) for line in lines]
        self._log = log
        self._signed_size = signed_size
        self._session = session
        self._lock = asyncio.Lock()
        self.known_size = 0

    @property
    def label(self) -> str:
        """What to call this witness in messages."""
        return self.lines[0].vkey.name

    async def cosign(self, note: Note, checkpoint: Checkpoint, history: History) -> tuple[Signature, ...]:
        """Return this witness's verified cosignatures of a checkpoint.

        Raises `WitnessRefused`, whatever the witness does, or `WitnessKnowsMore`.
        """
        async with self._lock:
            try:
                return await self._converse(note, checkpoint, history)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise WitnessSilent(f"{self.label} does not answer: {type(error).__name__}") from error
            except (Malformed, VerificationFailed) as error:
                raise WitnessRefused(f"{self.label} answered what does not verify: {error}") from error
            except (WitnessRefused, WitnessKnowsMore):
                raise
            except TlogError as error:
                raise WitnessRefused(f"{self.label} can't be shown how the log grew: {error}") from error
            except Exception as error:  # HTTP libraries raise more than they say; one witness must not stop the log.
                raise WitnessSilent(f"{self.label} can't be talked to: {type(error).__name__}") from error

    async def _converse(self, note: Note, checkpoint: Checkpoint, history: History) -> tuple[Signature, ...]:
        for _ in range(_ATTEMPTS):
            old = min(self.known_size, checkpoint.size)
            proof = tuple(await history.proof(old, checkpoint.size)) if 0 < old < checkpoint.size else ()
            status, body = await self._post(AddCheckpoint(old, proof, note.encode()).encode())
            if status == 200:
                return self._accept(note, checkpoint, body)
            if status != 409:
                await self._require_no_fork(checkpoint, history, status)
                raise WitnessRefused(f"{self.label} answered {status}: {_reason(body)}")
            self.known_size = parse_size_body(body)
            if self.known_size > checkpoint.size:
                await self._require_no_fork(checkpoint, history, status)
                raise WitnessRefused(
                    f"{self.label} claims a tree of {self.known_size} leaves, larger than our {checkpoint.size}, "
                    "but shows no checkpoint of it with our signature"
                )
        raise WitnessRefused(f"{self.label} changed its mind about the size it last cosigned {_ATTEMPTS} times")

    def _accept(self, note: Note, checkpoint: Checkpoint, body: bytes) -> tuple[Signature, ...]:
        offered = Note(note.text, parse_signature_lines(body))
        self.known_size = checkpoint.size
        return verify_note(offered, self._verifiers)

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        async with self._session.post(f"{self.url}/add-checkpoint", data=body, allow_redirects=False) as answer:
            return answer.status, await _read(answer)

    async def _require_no_fork(self, checkpoint: Checkpoint, history: History, status: int) -> None:
        """Raise `WitnessKnowsMore` if the witness holds our signature on a tree that ours does not extend."""
        held = await self._held(checkpoint.origin) if status in (409, 422) else None
        if held is None:
            return
        signed = self._signed_size()
        if held.size > signed:
            known = f"the database knows only {signed}"
        elif held.size <= checkpoint.size and held.root != await history.root(held.size):
            known = "the database has another root for that size"
        else:
            return
        raise WitnessKnowsMore(
            f"witness {self.label} holds a checkpoint of {held.size} leaves that this log signed, but {known}: "
            "it was rolled back or replaced. Restore the newest database; nothing is signed from this one"
        )

    async def _held(self, origin: str) -> Checkpoint | None:
        """Return the checkpoint that the witness shows, if we signed it."""
        try:
            async with self._session.get(
                f"{self.url}/{origin_hash(origin)}/checkpoint", allow_redirects=False
            ) as answer:
                data = await _read(answer)
            return open_checkpoint(data, origin, self._log)[0]
        except (TlogError, aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    data = b""
    async for chunk in answer.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > _MAX_ANSWER_BYTES:
            raise MalformedRequest(f"more than {_MAX_ANSWER_BYTES} bytes")
    return data


def _reason(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace").strip().replace("\n", " ")
