"""Seal entries on the way in: keys, disclosures, leaf, encrypted parts. CPU work, off the event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tlog.audit.entry import Entry
from tlog.audit.seal import SealedEntry, seal
from tlog.keys.keyring import AssignedKeys, Keyring
from tlog.storage.append_store import NewRow


class Sealer:
    """Turns entries into rows. No plaintext outlives `seal_rows`."""

    def __init__(self, keyring: Keyring, now: Callable[[], int], random: Callable[[int], bytes]) -> None:
        """`now` returns microseconds since the epoch: the `received_at` that is sealed."""
        self._keyring = keyring
        self._now = now
        self._random = random

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Have the keys of these entries at hand, the missing ones made and durable: one look-up and one write
        for all, where `seal_rows` request by request would cost one each. Blocks."""
        self._keyring.assign(entries, self._now())

    def seal_rows(self, entries: Sequence[Entry]) -> list[NewRow]:
        """Seal a request's entries, all received at the same moment. Blocks."""
        received_at = self._now()
        assigned = self._keyring.assign(entries, received_at)
        return [
            _row(seal(entry, received_at, keys.keys, self._random), keys)
            for entry, keys in zip(entries, assigned, strict=True)
        ]


def _row(sealed: SealedEntry, assigned: AssignedKeys) -> NewRow:
    columns = {
        "entry_id": sealed.id,
        "source": sealed.source,
        "seq": sealed.seq,
        "occurred_at": sealed.occurred_at,
        "received_at": sealed.received_at,
        "action": sealed.action,
        "outcome": sealed.outcome,
        "retention": sealed.retention,
        "core": sealed.core,
        "shared": sealed.shared,
    }
    parts = (sealed.actor, *sealed.subjects)
    personal = [(part, key_id, data) for part, (key_id, data) in enumerate(zip(assigned.key_ids, parts, strict=True))]
    return NewRow(sealed.leaf, columns, personal)
