"""Making evidence: entries with their disclosures, proofs, and the witnessed checkpoints around each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from tlog.audit.erased_part import ErasedPart
from tlog.audit.evidence import FORMAT, Evidence, EvidenceEntry
from tlog.audit.fields import instant
from tlog.audit.opened import OpenedEntry
from tlog.errors import NotFound, StorageFault, TlogError
from tlog.formats.encoding import b64encode
from tlog.formats.policy import Policy, encode_policy
from tlog.merkle.hashing import leaf_hash
from tlog.service.proofs import Proofs
from tlog.storage.checkpoints_around import Around, checkpoints_around
from tlog.storage.log_store import LogStore, StoredCheckpoint, StoredEntry


def nothing(_name: str) -> bool:
    """Hide no field."""
    return False


@dataclass(frozen=True, slots=True)
class Provable:
    """An opened entry, and what the log says of its erased parts."""

    stored: StoredEntry
    opened: OpenedEntry
    erasures: Sequence[ErasedPart] = ()


@dataclass(frozen=True, slots=True)
class _Bracket:
    """The last witnessed checkpoint that does not contain an entry, where there is one, and the first that does."""

    after: StoredCheckpoint | None
    size: StoredCheckpoint


class EvidenceMaker:
    """Makes evidence of a log. Methods block."""

    def __init__(self, store: LogStore, proofs: Proofs, policy: Policy, now: Callable[[], int]) -> None:
        """`now` returns microseconds since the epoch."""
        self._store = store
        self._proofs = proofs
        self._policy = policy
        self._now = now

    def make(self, entries: Sequence[Provable], hidden: Callable[[str], bool] = nothing) -> Evidence:
        """Return evidence of at least one entry, with those fields hidden.

        Raises `NotFound` while no witnessed checkpoint covers an entry; `StorageFault` where the database disagrees
        with the tree.
        """
        brackets = self._brackets([entry.stored.index for entry in entries])
        checkpoints = _distinct(brackets)
        sizes = [checkpoint.size for checkpoint in checkpoints]
        chain = [self._proofs.consistency(old, new) for old, new in pairwise(sizes)]
        made = Evidence(
            format=FORMAT,
            origin=self._store.state().origin,
            made_at=instant(self._now()),
            policy=encode_policy(self._policy).decode(),
            checkpoints=[checkpoint.note.decode() for checkpoint in checkpoints],
            consistency=[_texts(proof) for proof in chain],
            entries=[self._entry(entry, around) for entry, around in zip(entries, brackets, strict=True)],
        )
        return made.redacted(hidden)

    def _entry(self, entry: Provable, around: _Bracket) -> EvidenceEntry:
        index, size, leaf = entry.stored.index, around.size.size, entry.stored.leaf
        if leaf_hash(leaf) != self._proofs.leaf_hash(index, size):
            raise StorageFault(f"the database's leaf {index} is not the one in the tree; run 'tlog fsck'")
        disclosures: Mapping[str, str] = entry.opened.disclosures
        return EvidenceEntry(
            index=index,
            size=size,
            after=None if around.after is None else around.after.size,
            leaf=b64encode(leaf),
            inclusion=_texts(self._proofs.inclusion(index, size)),
            disclosures=dict(disclosures),
            digests=_texts(sorted(entry.opened.erased_digests)),
            erasures=list(entry.erasures),
        )

    def _brackets(self, indices: Sequence[int]) -> list[_Bracket]:
        """Return the checkpoints around entries that today's policy accepts.

        One that was signed by keys or witnesses which are not in it any more proves nothing to who has it: the newest
        then takes the place of the first, and there is none before.
        """
        accepted = cache(self._accepts)
        around = checkpoints_around(self._store, indices)
        return [self._bracket(index, around[index], accepted) for index in indices]

    def _bracket(self, index: int, around: Around, accepted: Callable[[bytes], bool]) -> _Bracket:
        before, covering = around.before, around.covering
        if covering is None:
            raise NotFound(f"entry {index} is durable, but no witnessed checkpoint covers it yet; ask again")
        if not accepted(covering.note):
            return _Bracket(None, self._store.checkpoints(limit=1, descending=True)[0])
        return _Bracket(before if before and accepted(before.note) else None, covering)

    def _accepts(self, note: bytes) -> bool:
        try:
            self._policy.verify_checkpoint(note)
        except TlogError:
            return False
        return True


def _distinct(brackets: Sequence[_Bracket]) -> list[StoredCheckpoint]:
    found = {checkpoint.size: checkpoint for b in brackets for checkpoint in (b.after, b.size) if checkpoint}
    return [found[size] for size in sorted(found)]


def _texts(proof: Sequence[bytes]) -> list[str]:
    return [b64encode(value) for value in proof]
