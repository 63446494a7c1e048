"""Replay: before a log answers anything, every erasure that was ever done is done in the databases it starts with.

A database may have been restored from a time before an erasure: its parts are back, or its keys, or both. The records
(`tlog/storage/erasure_records.py`) say what was destroyed. Of each one whose act is not `done` in this database, or
whose key is back in this keyring, everything is destroyed again. The act's own entry is then logged by
`Acts.resume`, under its old id, once the log may be appended to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from msgspec import UNSET

from tlog.audit.erasure_record import ErasureRecord
from tlog.errors import StorageFault
from tlog.service.acts import Acts
from tlog.service.person_eraser import PersonEraser, key_of
from tlog.storage.act_store import UNFINISHED, Act, ActKind, ActState, ActStore
from tlog.storage.erasure_records import ErasureRecords

_logger = structlog.get_logger()


class Replayer(Protocol):
    """Does again what the records of one kind say. Blocks."""

    def keys_left(self, records: Iterable[ErasureRecord]) -> set[str]:
        """Return the acts (as their records name them) whose key is in this keyring."""
        ...

    def replay(self, record: ErasureRecord, act: Act) -> None:
        """Destroy everything that the record names and bring an act that is not `done` to `applied`.

        Everything may have been done before. Raises `StorageFault` where the record does not fit the log.
        """
        ...

    def scrub(self) -> None:
        """Clean the files after the last `replay`."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureReplayer:
    """Replays erasures of persons."""

    eraser: PersonEraser
    acts: Acts

    def keys_left(self, records: Iterable[ErasureRecord]) -> set[str]:
        """Return the acts whose key is back."""
        by_key = {key_of(record): record.act for record in records}
        return {by_key[key_id] for key_id in self.eraser.keyring.person_keys(list(by_key))}

    def replay(self, record: ErasureRecord, act: Act) -> None:
        """Replace the parts and destroy the key."""
        key_id = key_of(record)
        self.eraser.erasures.require_under(key_id, record.parts)
        self.eraser.check(record)
        self.eraser.withdraw(key_id)
        self.eraser.fence()
        if record.moved:  # nobody is found by this key: who they were is not in the record
            self.eraser.keep(record.moved, key_id, self.eraser.keyring.add_unnamed_person())
        said = self.acts.payload(act) if act.state is not ActState.DONE else {}
        said.pop("identity", None)
        values = {
            "entries": len({part.index for part in record.parts}),
            "parts": len(record.parts),
            "applied_at": self.acts.now(),
            "payload": self.acts.sealed(act.act_id, said) if said else None,
        }
        self.eraser.apply(record, act, **values)
        self.eraser.destroy(key_id)

    def scrub(self) -> None:
        """Clean both databases."""
        self.eraser.scrub()


def replay(
    origin: str,
    records: ErasureRecords,
    acts: ActStore,
    replayers: Mapping[ActKind, Replayer],
    older: Callable[[], None],
) -> int:
    """Do every erasure again that these databases do not know, and return how many those were. Blocks.

    `older` is called first where a database is older than the records, and not merely from the middle of an act: it
    may lack more than erasures. What it does is durable on return: the next start finds nothing missing any more.

    Raises `StorageFault` for a record that can't be read or is of another log: what must not be shown is not known
    then. A crash in between: the next start does it again.
    """
    found = list(records.all())
    for record in found:
        if record.origin != origin:
            raise StorageFault(f"the erasure record of act {record.act} is of the log {record.origin}")
    missing = {
        kind: _missing([record for record in found if record.kind == kind], acts, replayer)
        for kind, replayer in replayers.items()
    }
    if any(_is_older(record, acts) for some in missing.values() for record in some):
        older()
    for kind, some in missing.items():
        for record in some:
            replayers[kind].replay(record, _act(record, acts))
        if some:
            replayers[kind].scrub()
            _logger.warning("erasures replayed", kind=str(kind), acts=[record.act for record in some])
    return sum(map(len, missing.values()))


def _missing(records: list[ErasureRecord], acts: ActStore, replayer: Replayer) -> list[ErasureRecord]:
    back = replayer.keys_left(records)
    states = {record.act: acts.find(UUID(record.act).bytes) for record in records}
    return [record for record in records if record.act in back or not _is_done(states[record.act])]


def _is_done(act: Act | None) -> bool:
    return act is not None and act.state is ActState.DONE


def _is_older(record: ErasureRecord, acts: ActStore) -> bool:
    """Tell a database from before an act, which does not know it or still has its key, from one in which the process
    ended in the middle of the act."""
    act = acts.find(UUID(record.act).bytes)
    return act is None or act.state not in UNFINISHED


def _act(record: ErasureRecord, acts: ActStore) -> Act:
    act_id = UUID(record.act).bytes
    known = acts.find(act_id)
    if known is not None:
        return known
    key_id = None if record.key_id is UNSET else record.key_id
    cohort = None if record.cohort is UNSET else record.cohort
    kind = ActKind(record.kind)
    return acts.add(act_id, kind, ActState.BEGUN, record.at, key_id=key_id, cohort=cohort)
