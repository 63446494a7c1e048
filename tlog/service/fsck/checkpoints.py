"""Do the stored checkpoints carry our signatures, and the witnessed ones their quorum?"""

from __future__ import annotations

from collections.abc import Iterator

from tlog.errors import StorageFault, TlogError
from tlog.formats.checkpoint import open_checkpoint
from tlog.formats.note import Verifier
from tlog.formats.policy import Policy
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.log_store import LogStore, StoredCheckpoint


def check_checkpoints(
    store: LogStore, policy: Policy, log: list[Verifier], report: FsckReport, progress: Progress
) -> None:
    """Verify every stored checkpoint: format, our signatures, quorum, and that it is the one of its row."""
    origin = store.state().origin
    for checkpoint in _stored(store, report):
        try:
            _check(checkpoint, policy, origin, log, report)
        except TlogError as error:
            report.problem(f"checkpoint of size {checkpoint.size}: {error}")
        report.checkpoints += 1
        progress("checkpoints", checkpoint.size, report.size)


def _stored(store: LogStore, report: FsckReport) -> Iterator[StoredCheckpoint]:
    try:
        yield from store.all_checkpoints()
    except StorageFault as fault:
        report.problem(f"{fault}; the checkpoints after it were not checked")


def _check(stored: StoredCheckpoint, policy: Policy, origin: str, log: list[Verifier], report: FsckReport) -> None:
    checkpoint, _ = open_checkpoint(stored.note, origin, log)
    if (checkpoint.size, checkpoint.root) != (stored.size, stored.root):
        report.problem(f"checkpoint of size {stored.size}: its note says size {checkpoint.size} or another root")
    if stored.witnessed_at is not None:
        policy.verify_checkpoint(stored.note)
