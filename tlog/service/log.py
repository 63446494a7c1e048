"""A running log: its parts, wired. What HTTP and the command line talk to.

Belongs to one event loop. `start` returns once the log can be trusted with an append: its right edge is
checked against the database, and the witnesses were asked whether they know more than we do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Literal

import aiohttp
import structlog

from tlog.errors import LogHalted, Unavailable
from tlog.merkle.nodes import TileNodes
from tlog.service.access_log import AccessLog
from tlog.service.accesses import Accesses
from tlog.service.acts import Acts
from tlog.service.admin_notes import AdminNotes
from tlog.service.appender import Appender
from tlog.service.completeness import Completeness
from tlog.service.drill_desk import LogDesk
from tlog.service.drill_schedule import DrillSchedule, DrillSettings
from tlog.service.drill_windows import DrillWindows
from tlog.service.drills import Drills
from tlog.service.entries import EntryReader
from tlog.service.erasure import Erasures
from tlog.service.evidence import EvidenceMaker
from tlog.service.forgetting import Forgetting
from tlog.service.grants import Grants
from tlog.service.hold_acts import HoldActs
from tlog.service.integrator import Integrator
from tlog.service.leaves import Leaves
from tlog.service.log_parts import LogParts
from tlog.service.lookup import LookUp
from tlog.service.own_entries import OwnEntries
from tlog.service.proofs import Proofs
from tlog.service.publisher import Publisher
from tlog.service.quorum import Witnesses
from tlog.service.retention import Retention
from tlog.service.retention_rules import RetentionClasses, own_class
from tlog.service.scheduler import Scheduler
from tlog.service.sealer import Sealer
from tlog.service.sealing import Sealing
from tlog.service.sequencer import Sequencer
from tlog.service.stored_tiles import StoredTiles
from tlog.service.unused_keys import UnusedKeys
from tlog.service.witness_heads import WitnessHeads
from tlog.service.witnessed_time import believable_time
from tlog.storage.act_store import ActKind, ActStore
from tlog.storage.append_store import AppendStore
from tlog.storage.log_store import LogStore
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.received_ranges import ReceivedRanges
from tlog.storage.sequence_store import SequenceStore
from tlog.storage.token_store import TokenStore

Stage = Literal["durable", "integrated", "witnessed"]
_logger = structlog.get_logger()


class Log:
    """One log at work."""

    def __init__(self, parts: LogParts) -> None:
        """Check the stored tree against the database, and replay the erasure records. Blocks.

        Raises `StorageFault` where either is damaged. Nobody is answered before: a restored database forgets again
        before anybody can ask it, also where the log will be halted.
        """
        self._parts = parts
        self.settings = parts.settings
        self.policy = parts.policy
        self.signer = parts.signer
        self.store = LogStore(parts.database)
        self.tiles = parts.tiles
        self.tokens = TokenStore(parts.database, parts.now)
        self._integrator = Integrator(self.store, parts.tiles)
        stored = StoredTiles(parts.tiles, lambda: self._integrator.state.integrated_size)
        self._nodes = TileNodes(stored, parts.settings.cached_tiles)
        self.sequencer = Sequencer(AppendStore(parts.database), parts.settings)
        self.leaves = Leaves(self.sequencer, parts.settings)
        self.entries = EntryReader(self.store, parts.keyring)
        lookups = LookUpStore(parts.database)
        self.lookup = LookUp(lookups, self.store, self.entries, parts.keyring)
        sealer = Sealer(parts.keyring, parts.now, parts.random)
        processes = parts.settings.sealing_processes
        self._sealing = Sealing(sealer, parts.keyring_recipe, processes, parts.now, parts.retention)
        self.appender = Appender(self._sealing, self.sequencer, self.entries, self._note_unused)
        act_store = ActStore(parts.database)
        own = OwnEntries(self.appender, self.store, act_store, parts.now, own_class(parts.retention))
        self._own = own
        self.accesses = AccessLog(own, parts.settings.refusals_interval)
        self.acts = Acts(act_store, parts.keyring, own, parts.now, self._no_acts, parts.step)
        self.completeness = Completeness(SequenceStore(parts.database), act_store, parts.now)
        self.grants = Grants(self.acts, self.tokens, second_person=self.settings.second_person)
        self.acts.register(ActKind.GRANT, self.grants)
        self.who_looked = Accesses(lookups, self.store, self.entries, parts.keyring)
        self._unused = UnusedKeys(self.store, parts.keyring, self.acts)
        self.erasures: Erasures | None = None
        self.holds: HoldActs | None = None
        self.retention: Retention | None = None
        self.scheduler: Scheduler | None = None
        self.notes = None if parts.records is None else AdminNotes(parts.records.parent, own, parts.keyring)
        if parts.records is not None:
            self._open_records(parts.records)
        self._sealing.enter(self.store.key_epoch())
        self.store.epoch_moved = self._sealing.enter
        self.proofs = Proofs(
            self.store,
            self._nodes,
            lambda: self._integrator.state.integrated_size,
            lambda: self.publisher.published,
        )
        self.drills = Drills(self.lookup, own)
        self.drill_windows = DrillWindows(ReceivedRanges(parts.database), lambda: self.publisher.witnessed.size)
        self.drill_schedule = self._open_drill()

    def _open_drill(self) -> DrillSchedule:
        parts = self._parts
        maker = EvidenceMaker(self.store, self.proofs, parts.policy, parts.now)
        return DrillSchedule(
            LogDesk(self.drill_windows, self.entries, self.lookup, maker, parts.policy),
            self.drills,
            DrillSettings(self.settings.drill_interval, self.settings.drill_records, self.settings.drill_limit),
            self.drill_windows.oldest,
            parts.now,
            lambda: self.publisher.halted,
            SystemRandom(),
        )

    def _note_unused(self, key_ids: Collection[int]) -> None:
        self._unused.note(key_ids)

    def _open_records(self, folder: Path) -> None:
        parts = self._parts
        forgetting = Forgetting(
            parts,
            folder,
            self.store,
            self.entries,
            self.acts,
            believed=lambda: believable_time(parts.now(), self.publisher.published, parts.policy),
            witnessed=lambda size: self.wait("witnessed", size),
        )
        self.holds, self.erasures = forgetting.holds, forgetting.erasures
        self.retention, self.scheduler = forgetting.retention, forgetting.scheduler

    def _no_acts(self) -> Unavailable | None:
        if not hasattr(self, "publisher"):
            return Unavailable("the log is starting; nothing was changed")
        if self.publisher.halted:
            return LogHalted(f"{self.publisher.problem or 'the log is halted'}; nothing was changed")
        return None

    async def start(self) -> None:
        """Ask the witnesses, then open for appends, unless one of them proved a rollback."""
        parts = self._parts
        # Longer than anybody waits for a quorum: a slow witness may still prove that it knows more.
        timeout = aiohttp.ClientTimeout(total=4 * parts.settings.quorum_timeout)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        signed = self.store.last_signed
        self.witnesses = Witnesses(
            parts.policy,
            parts.signer.verifiers(),
            lambda: last.size if (last := signed()) else 0,
            self._session,
            parts.now,
        )
        self.heads = WitnessHeads(
            parts.signer.origin,
            self.witnesses.feeders,
            self._session,
            lambda: min(self._integrator.state.integrated_size, last.size if (last := self.publisher.signed) else 0),
            lambda size: asyncio.to_thread(self.proofs.root, size),
        )
        self.publisher = Publisher(
            store=self.store,
            integrator=self._integrator,
            nodes=self._nodes,
            signer=parts.signer,
            witnesses=self.witnesses,
            settings=parts.settings,
            now=parts.now,
            halt=self.sequencer.halt,
        )
        await self.publisher.start()
        if not self.publisher.halted:
            self._sealing.start()
            self.sequencer.start()
            if self.notes is not None:
                await self.notes.log()
            await asyncio.to_thread(self.grants.finish_revocations)
            self.acts.spawn(self._resume())
        if self.retention is not None and (paused := await asyncio.to_thread(self.retention.paused)) is not None:
            _logger.warning("expiry is paused", since=paused.since, reason=paused.reason)

    async def stop(self) -> None:
        """Store and integrate what was accepted, then close everything."""
        await self.drill_schedule.stop()
        if self.scheduler is not None:
            await self.scheduler.stop()
        await self.acts.stop()
        if self.notes is not None:
            await self.notes.stop()
        await self.accesses.stop()
        await self._own.stop()
        await self.sequencer.stop()
        await self._unused.stop()
        await asyncio.to_thread(self._sealing.stop)
        await self.publisher.stop()
        await self.heads.close()
        await self.completeness.close()
        await self._session.close()
        await asyncio.to_thread(self._parts.database.close)

    async def _resume(self) -> None:
        """Finish what was left unfinished, then begin what is due."""
        await self.acts.resume()
        if self.notes is not None:
            self.notes.start()
        if self.scheduler is not None:
            self.scheduler.start()
        self.drill_schedule.start()

    @property
    def classes(self) -> RetentionClasses:
        """The retention classes."""
        return self._parts.retention

    def held(self, indices: Sequence[int]) -> Collection[int]:
        """Return those of the entries that a hold protects. Blocks."""
        holds = self.erasures.steps.holds if self.erasures is not None else None
        return holds.held(indices) if holds is not None else ()

    async def wait(self, stage: Stage, size: int) -> None:
        """Return when the first `size` leaves are at `stage`. Raises `Unavailable` if the log is halted."""
        if stage == "durable":
            return
        if self.publisher.halted:
            raise Unavailable("stored, but the log is halted and publishes nothing")
        progress = self.publisher.integrated if stage == "integrated" else self.publisher.witnessed
        await progress.reached(size)
