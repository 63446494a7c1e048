"""Seal entries on the way in: keys, disclosures, leaf, encrypted parts. CPU work, off the event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from tlog.audit.entry import Entry
from tlog.audit.seal import SealedEntry, seal
from tlog.keys.keyring import AssignedKeys, Keyring
from tlog.storage.append_store import NewRow, SealedRequest
from tlog.storage.facets import Facet


class Sealer:
    """Turns entries into rows. No plaintext outlives `seal_rows`."""

    def __init__(self, keyring: Keyring, now: Callable[[], int], random: Callable[[int], bytes]) -> None:
        """`now` returns microseconds since the epoch: the `received_at` that is sealed."""
        self._keyring = keyring
        self._now = now
        self._random = random

    def seal_rows(self, entries: Sequence[Entry], epoch: int = 0) -> SealedRequest:
        """Seal a request's entries under keys of `epoch`, all received at the same moment. Blocks."""
        received_at = self._now()
        return self._seal(entries, self._keyring.assign(entries, received_at, epoch), received_at, epoch)

    def seal_requests(self, requests: Sequence[Sequence[Entry]], epoch: int = 0) -> list[SealedRequest | Exception]:
        """Seal several requests received at the same moment: one look-up of keys and one durable write of new
        ones for all. Blocks. Where a request can't be sealed, its place has the reason; raises where the keys
        can't be had."""
        received_at = self._now()
        entries = [entry for request in requests for entry in request]
        assigned = iter(self._keyring.assign(entries, received_at, epoch))
        sealed: list[SealedRequest | Exception] = []
        for request in requests:
            keys = list(islice(assigned, len(request)))
            try:
                sealed.append(self._seal(request, keys, received_at, epoch))
            except Exception as error:
                sealed.append(error)
        return sealed

    def _seal(
        self, entries: Sequence[Entry], assigned: Sequence[AssignedKeys], received_at: int, epoch: int
    ) -> SealedRequest:
        rows = [
            _row(seal(entry, received_at, keys.keys, self._random), keys, self._keyring.terms_of(entry))
            for entry, keys in zip(entries, assigned, strict=True)
        ]
        return SealedRequest(rows, epoch, frozenset(key_id for keys in assigned for key_id in keys.made))


def _row(sealed: SealedEntry, assigned: AssignedKeys, terms: tuple[int, ...]) -> NewRow:
    columns = {
        "entry_id": sealed.id,
        "source": sealed.source,
        "seq": sealed.seq,
        "occurred_at": sealed.occurred_at,
        "received_at": sealed.received_at,
        "core": sealed.core,
        "shared": sealed.shared,
    }
    parts = (sealed.actor, *sealed.subjects)
    personal = [(part, key_id, data) for part, (key_id, data) in enumerate(zip(assigned.key_ids, parts, strict=True))]
    facet = Facet(sealed.source, sealed.action, sealed.outcome, sealed.retention)
    return NewRow(sealed.leaf, columns, personal, facet, terms)
