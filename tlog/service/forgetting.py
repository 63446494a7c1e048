"""What erases, expires and holds, wired. Made of a log's parts and its folder of erasure records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from tlog.audit.fields import instant
from tlog.service.acts import Acts
from tlog.service.entries import EntryReader
from tlog.service.erasure import Erasures
from tlog.service.expiry import CohortEraser, Expiry, ExpiryReplayer
from tlog.service.held_counts import HeldCounts
from tlog.service.hold_acts import HoldActs
from tlog.service.holds import Holds
from tlog.service.log_parts import LogParts
from tlog.service.person_eraser import PersonEraser
from tlog.service.replay import ErasureReplayer, Replayer, replay
from tlog.service.resumption import Resumption
from tlog.service.retention import Retention
from tlog.service.scheduler import Scheduler
from tlog.storage.act_store import ActKind
from tlog.storage.erasure_records import ErasureRecords
from tlog.storage.erasure_store import ErasureStore
from tlog.storage.expiry_pause import PAUSE_FILE, ExpiryPause
from tlog.storage.expiry_store import ExpiryStore
from tlog.storage.held_rows import HeldRows
from tlog.storage.hold_store import HoldStore
from tlog.storage.log_store import LogStore

_OLDER: Final = "a database is older than the erasure records: holds that were placed since may be missing"


class Forgetting:
    """Erasures, holds and retention of one log, over one folder of erasure records."""

    def __init__(  # noqa: PLR0913 - the parts it joins, wired once by `Log`
        self,
        parts: LogParts,
        folder: Path,
        store: LogStore,
        entries: EntryReader,
        acts: Acts,
        *,
        believed: Callable[[], int],
        witnessed: Callable[[int], Awaitable[None]],
    ) -> None:
        """Wire what erases, and have it erase again what a restored database brought back. Blocks.

        `believed` and `witnessed` are as `Retention` asks for them. Raises `StorageFault` where a record is damaged.
        """
        two = parts.settings.second_person
        origin, keyring = store.state().origin, parts.keyring
        records, pause = ErasureRecords(folder, keyring.record_mac), ExpiryPause(folder.parent / PAUSE_FILE)
        person = PersonEraser(origin, store, ErasureStore(parts.database), entries, keyring, records, parts.random)
        cohort = CohortEraser(origin, store, ExpiryStore(parts.database), keyring, records, parts.random)
        holds = Holds(HoldStore(parts.database), keyring)
        expiry = Expiry(acts, cohort, holds)
        self.holds = HoldActs(acts, holds, keyring, second_person=two)
        self.erasures = Erasures(acts, person, holds, second_person=two)
        self.retention = Retention(
            acts,
            expiry,
            Resumption(acts, pause, second_person=two),
            keyring,
            parts.retention,
            believed=believed,
            witnessed=witnessed,
            held=HeldCounts(holds, HeldRows(parts.database)).of,
            second_person=two,
        )
        self.scheduler = Scheduler(self.retention, parts.settings.retention_interval, parts.now)
        acts.register(ActKind.ERASURE, self.erasures)
        acts.register(ActKind.EXPIRY, expiry)
        replayers: dict[ActKind, Replayer] = {
            ActKind.ERASURE: ErasureReplayer(person, acts),
            ActKind.EXPIRY: ExpiryReplayer(cohort, acts.store, parts.now),
        }
        replay(origin, records, acts.store, replayers, lambda: pause.begin(instant(parts.now()), _OLDER))
