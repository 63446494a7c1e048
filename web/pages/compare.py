"""`/ui/compare`: that one checkpoint's tree grew out of another's, drawn. For everybody.

?from=<size>&to=<size>     sizes of witnessed checkpoints; without them, the last two
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from tlog.errors import NotFound, VerificationFailed
from tlog.formats.encoding import b64encode
from tlog.http.errors import BadParameter
from tlog.http.proofs import A_FEW_SECONDS
from tlog.http.query import decimal, parse_number, parse_query
from tlog.merkle.verify import verify_consistency
from tlog.service.log import Log
from tlog.storage.log_store import StoredCheckpoint
from web.frame import Frame
from web.tree_drawing import Ladder, Node, consistency_ladder

_RECENT = 12


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints, the proof between them by its hashes, what is wrong with it if anything, and its drawing."""

    old: StoredCheckpoint
    new: StoredCheckpoint
    proof: tuple[bytes, ...]
    fault: str | None
    ladder: Ladder | None

    def hash_of(self, node: Node) -> str | None:
        """Return the hash of a node as far as it is known without the tree: in the proof, or a root."""
        if node.place is not None and node.place < len(self.proof):
            return b64encode(self.proof[node.place])
        if node.kind == "root":
            return b64encode(self.new.root)
        return b64encode(self.old.root) if (node.start, node.end) == (0, self.old.size) else None


def comparison(old: StoredCheckpoint, new: StoredCheckpoint, proof: Sequence[bytes]) -> Comparison:
    """Check a proof between two checkpoints, by code that shares nothing with what made it, and draw it."""
    fault = None
    try:
        verify_consistency(old.size, new.size, list(proof), old.root, new.root)
    except VerificationFailed as error:
        fault = str(error)
    return Comparison(old, new, tuple(proof), fault, consistency_ladder(old.size, new.size) if old.size else None)


class ComparePage:
    """The handlers."""

    def __init__(self, log: Log, frame: Frame) -> None:
        self._log = log
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/compare`."""
        query = parse_query(request, "from", "to")
        old, new = (decimal(query, name) if name in query else None for name in ("from", "to"))
        if old is not None and new is not None and old > new:
            raise BadParameter(f"from: {old} is more than {new}, the size to compare it with")
        found, recent = await asyncio.to_thread(self._compare, old, new)
        return self._frame.page(request, "compare.html", found=found, recent=recent)

    async def note(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/checkpoints/{size}`: the signed note of a witnessed checkpoint."""
        parse_query(request)
        size = parse_number(request.match_info["size"], "size")
        stored = await asyncio.to_thread(self._checkpoint, size)
        headers = {
            "Cache-Control": A_FEW_SECONDS,
            "Content-Disposition": f'attachment; filename="checkpoint-{size}.txt"',
        }
        return web.Response(body=stored.note, content_type="text/plain", charset="utf-8", headers=headers)

    def _compare(self, old: int | None, new: int | None) -> tuple[Comparison | None, list[StoredCheckpoint]]:
        recent = self._log.store.checkpoints(limit=_RECENT, descending=True)
        if not recent:
            return None, recent
        later = recent[0] if new is None else self._checkpoint(new)
        earlier = self._before(later) if old is None else self._checkpoint(old)
        if earlier.size > later.size:
            raise BadParameter(f"from: {earlier.size} is more than {later.size}, the size to compare it with")
        proof = self._log.proofs.consistency(earlier.size, later.size)
        return comparison(earlier, later, proof), recent

    def _before(self, later: StoredCheckpoint) -> StoredCheckpoint:
        if later.size <= 1:
            return later
        found = self._log.store.checkpoints(start=later.size - 1, limit=1, descending=True)
        return found[0] if found else later

    def _checkpoint(self, size: int) -> StoredCheckpoint:
        found = self._log.store.checkpoints(start=size, limit=1)
        if not found or found[0].size != size:
            raise NotFound(f"no witnessed checkpoint has {size} leaves; see /v1/checkpoints for those that are")
        return found[0]
