"""The whole audit, in one call."""

from __future__ import annotations

from dataclasses import replace

from tlog.formats.policy import LogLine
from tlog.service.fsck.checkpoints import check_checkpoints
from tlog.service.fsck.leaves import check_roots, check_rows
from tlog.service.fsck.lookup_rows import check_lookup_rows
from tlog.service.fsck.report import FsckReport, Progress
from tlog.service.fsck.sealed import check_entries
from tlog.service.fsck.stored_objects import check_objects
from tlog.service.log_parts import LogParts
from tlog.storage.log_store import LogStore


def fsck(parts: LogParts, progress: Progress, *, open_entries: bool = True) -> FsckReport:
    """Check a log that nobody writes to now. Blocks; changes nothing.

    `open_entries` decrypts every sealed entry and checks it against its leaf, which costs the most time.
    What is wrong is in the report; raises only what a failing store raises (`Unavailable`, `StorageFault`).
    """
    report = FsckReport()
    store = LogStore(parts.database)
    check_rows(parts.database, store, report)
    check_roots(store, report, progress)
    check_lookup_rows(parts.database, report, progress)
    policy = replace(parts.policy, logs=(*parts.policy.logs, *map(LogLine, parts.signer.retired)))
    check_checkpoints(store, policy, parts.signer.verifiers(), report, progress)
    check_objects(store, parts.tiles, report, progress)
    if open_entries:
        check_entries(store, parts.keyring, report, progress)
    return report
