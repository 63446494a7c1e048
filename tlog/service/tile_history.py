"""The log's past, read from its own tiles: what witnesses are shown, and what their claims are compared with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tlog.merkle.nodes import TileNodes
from tlog.merkle.prove import consistency_proof
from tlog.merkle.tree import TileTree


class TileHistory:
    """A `feeder.History` over tiles. Reads off the event loop."""

    def __init__(self, nodes: TileNodes) -> None:
        self._nodes = nodes

    async def proof(self, old: int, new: int) -> Sequence[bytes]:
        """Return the RFC 6962 consistency proof from `old` to `new` leaves. Raises `OutOfRange`, `NotFound`."""
        return await asyncio.to_thread(lambda: consistency_proof(TileTree(self._nodes, new), old, new))

    async def root(self, size: int) -> bytes:
        """Return the root hash of the first `size` leaves. Raises `OutOfRange`, `NotFound`."""
        return await asyncio.to_thread(lambda: TileTree(self._nodes, size).root())
