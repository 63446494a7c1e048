"""Reading a log that is stopped, for whoever has its data folder and its key-encryption key.

A log that is halted or ended shows no entry over HTTP, since it can't log who looked. Here reads are entries as well:
each leaves a note (`read_note.py`) that is durable before anything is returned, and that the log logs when it runs
again. Where no note can be left, nothing is returned: `NotLogged`.

A crash after the note: it says that something was shown which was not. The other way round can't be.

The log that is read is made as it is for serving, so that whatever its erasure records name is gone first, also from
databases that are older than they; it is not started. Methods block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from tlog.audit.entry import Actor
from tlog.audit.evidence import MAX_BYTES, MAX_ENTRIES, Evidence
from tlog.audit.fields import instant
from tlog.audit.naming import names_person
from tlog.audit.wish import Wish
from tlog.errors import BadRequest, TlogError, TooLarge
from tlog.service.evidence import EvidenceMaker
from tlog.service.log import Log
from tlog.service.lookup import Page
from tlog.service.lookup_filters import Filters
from tlog.service.own_look_up import asks_own
from tlog.service.principal import OPERATOR
from tlog.service.read_note import MAX_INDICES, OfflineRead, ReadNotes
from tlog.service.readable import Readable, provable, read_all
from tlog.storage.log_store import StoredEntry
from tlog.storage.roles import EVERYTHING

READ: Final = "readEntry"
SEARCH: Final = "searchEntries"
EVIDENCE: Final = "caseFile"
"""Names of what is done: those of the operations over HTTP that show the same."""


@dataclass(frozen=True, slots=True, repr=False)
class Reader:
    """Who reads, as the machine knows them, on whose word and why."""

    user: str
    authorised_by: str
    purpose: str

    def actor(self) -> Actor:
        """Return who acts in the entry that logs a read."""
        return Actor(type=OPERATOR, id=self.user, name=self.authorised_by)


class OfflineReading:
    """Reads a log that was made and not started."""

    def __init__(self, log: Log, notes: ReadNotes, reader: Reader) -> None:
        self._log = log
        self._notes = notes
        self._reader = reader

    def entries(self, which: Sequence[int | UUID]) -> list[Readable]:
        """Return the entries of these indices and ids, in order and each once.

        Raises `NotFound`, `Expired` and what `EntryReader.opened` does: of several all are returned or none.
        """
        with self._failing(READ, {}):
            found = self._read(which)
        self._leave(READ, {}, [stored.index for stored, _ in found])
        return found

    def page(self, filters: Filters, cursor: str | None, limit: int) -> Page:
        """Return a page of a look-up, of at most `MAX_INDICES` entries. Raises what `LookUp.page` does,
        and `BadRequest` where the reader's words name whom they look up: then nothing is read."""
        self._require_unnamed(filters)
        details = {"filters": filters.names()}
        person = None if filters.subject is None else self._log.lookup.subject_key(filters.subject)
        with self._failing(SEARCH, details, person):
            scope = replace(EVERYTHING, own=asks_own(filters))
            page = self._log.lookup.page(filters, cursor, min(limit, MAX_INDICES), scope)
        self._leave(SEARCH, details, [found.stored.index for found in page.entries], person)
        return page

    def evidence(self, which: Sequence[int | UUID], wish: Wish) -> Evidence:
        """Return evidence of these entries. Raises what `entries` and `EvidenceMaker.make` do, `TooLarge`."""
        log, acts = self._log, self._log.acts
        details = {"disclosed": [*wish.disclose], "redacted": [*wish.redact]}
        with self._failing(EVIDENCE, details):
            if len(which) > MAX_ENTRIES:
                raise TooLarge(f"{len(which)} entries, more than the {MAX_ENTRIES} that one file may prove")
            found = sorted(self._read(which), key=lambda entry: entry[0].index)
            maker = EvidenceMaker(log.store, log.proofs, log.policy, acts.now)
            made = _sized(maker.make(provable(found, acts.store), wish.hides))
        self._leave(EVIDENCE, details, [stored.index for stored, _ in found])
        return made

    def _read(self, which: Sequence[int | UUID]) -> list[Readable]:
        store = self._log.store
        named = [index if isinstance(index, int) else store.index_of(index.bytes) for index in which]
        indices = list(dict.fromkeys(named))
        rows = store.entries_at(indices)
        return read_all([self._stored(index, rows) for index in indices], self._log.entries, self._log.acts.store)

    def _stored(self, index: int, rows: Mapping[int, StoredEntry]) -> StoredEntry:
        return rows[index] if index in rows else self._log.entries.stored(index)  # which says that there is none

    def _require_unnamed(self, filters: Filters) -> None:
        """Raise `BadRequest` where what is said of a read would name whom it looks up, and outlive their erasure."""
        looked_up = [filters.subject, None if filters.actor is None else filters.actor[1]]
        for name in ("purpose", "authorised_by"):
            if any(identity and names_person(getattr(self._reader, name), identity) for identity in looked_up):
                raise BadRequest(
                    f"{name}: it contains the id of the person who is looked up, and would outlive their erasure; "
                    "leave the id out. Nothing was read"
                )

    @contextmanager
    def _failing(self, operation: str, details: Mapping[str, Any], person: int | None = None) -> Iterator[None]:
        """Note an attempt that fails in a block: what it says why may tell something, too."""
        try:
            yield
        except TlogError:
            self._notes.leave(replace(self._said(operation, details), outcome="failed", person=person))
            raise

    def _leave(
        self, operation: str, details: Mapping[str, Any], indices: Sequence[int], person: int | None = None
    ) -> None:
        read = replace(self._said(operation, details), person=person)
        for start in range(0, max(len(indices), 1), MAX_INDICES):
            self._notes.leave(replace(read, indices=indices[start : start + MAX_INDICES]))

    def _said(self, operation: str, details: Mapping[str, Any]) -> OfflineRead:
        reader, now = self._reader, instant(self._log.acts.now())
        said = {"operation": operation, **details, "purpose": reader.purpose}
        return OfflineRead(reader.actor(), now, "allowed", said)


def _sized(evidence: Evidence) -> Evidence:
    """Return evidence that is not too large for whoever verifies it. Raises `TooLarge`."""
    size = len(evidence.encode())
    if size > MAX_BYTES:
        raise TooLarge(f"the evidence has {size} bytes, more than {MAX_BYTES}; ask for fewer entries")
    return evidence
