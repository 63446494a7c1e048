"""Proofs for any size of the integrated tree, and the proof file of one entry under a witnessed checkpoint."""

from __future__ import annotations

from collections.abc import Callable

from tlog.errors import NotFound, OutOfRange, StorageFault
from tlog.formats.tlog_proof import TlogProof
from tlog.merkle.hashing import leaf_hash
from tlog.merkle.nodes import TileNodes
from tlog.merkle.prove import consistency_proof, inclusion_proof
from tlog.merkle.tree import TileTree
from tlog.storage.log_store import LogStore, StoredCheckpoint


class Proofs:
    """Reads tiles; a proof costs O(log n) of them. Methods block."""

    def __init__(
        self,
        store: LogStore,
        nodes: TileNodes,
        integrated_size: Callable[[], int],
        published: Callable[[], StoredCheckpoint | None],
    ) -> None:
        self._store = store
        self._nodes = nodes
        self._integrated_size = integrated_size
        self._published = published

    def root(self, size: int) -> bytes:
        """Return the root hash of the first `size` leaves. Raises `OutOfRange`."""
        return self._tree(size).root(size)

    def leaf_hash(self, index: int, size: int) -> bytes:
        """Return the leaf hash at `index` as the tree of `size` leaves has it. Raises `OutOfRange`."""
        return self._tree(size).range_root(index, index + 1)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the RFC 6962 inclusion proof of `index` in the tree of `size` leaves. Raises `OutOfRange`."""
        return inclusion_proof(self._tree(size), index, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the RFC 6962 consistency proof from `old` to `new` leaves. Raises `OutOfRange`."""
        return consistency_proof(self._tree(new), old, new)

    def tlog_proof(self, index: int) -> TlogProof:
        """Return the proof file of one leaf under the newest witnessed checkpoint.

        Its `extra` is the leaf: all that is needed to check that *something* was logged at this index; what
        it says is checked against the entry's disclosures. Raises `OutOfRange`, or `NotFound` while no
        witnessed checkpoint covers the index.
        """
        published = self._published()
        if published is None or index >= published.size:
            if index >= self._store.state().size:
                raise OutOfRange(f"no entry has index {index}")
            raise NotFound(f"entry {index} is durable, but no witnessed checkpoint covers it yet; ask again")
        leaf = self._store.leaves(index, index + 1)[0]
        if leaf_hash(leaf) != self.leaf_hash(index, published.size):
            raise StorageFault(f"the database's leaf {index} is not the one in the tree; run 'tlog fsck'")
        hashes = self.inclusion(index, published.size)
        return TlogProof(index, tuple(hashes), published.note, extra=leaf)

    def _tree(self, size: int) -> TileTree:
        integrated = self._integrated_size()
        if not 0 <= size <= integrated:
            raise OutOfRange(f"tree size {size} is beyond the {integrated} leaves integrated so far")
        return TileTree(self._nodes, size)
