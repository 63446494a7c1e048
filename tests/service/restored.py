"""A log's backup, made and put back below the command line, on either back end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.service.older import Databases
from tests.service.test_erasure import settings
from tests.support import ORIGIN, MadeLog, make_parts
from tlog.service.backup import MadeBackup, Places, Source, back_up
from tlog.service.backup_folder import Progress
from tlog.service.fsck.run import fsck
from tlog.service.log import Log
from tlog.service.log_parts import now_us
from tlog.service.restore import check_backup, forget_again, put_entries, put_keyring, put_records


def quiet(_phase: str, _done: int, _total: int) -> None:
    """Progress that nobody is told."""


def backed_up(folder: Path, live: Databases, to: Path, progress: Progress = quiet) -> MadeBackup:
    """Back the log in `folder` up to two new folders below `to`. Blocks."""
    places = Places(to / "entries", to / "keyring")
    for place in (places.entries, places.keyring):
        place.mkdir(parents=True)
    parts, keyring_database = make_parts(folder, urls=live.urls, settings=settings())
    try:
        source = Source(ORIGIN, *live.urls, {}, folder / "erasures", parts.keyring.record_mac)
        return back_up(source, places, None, now_us, progress)
    finally:
        parts.database.close()
        keyring_database.close()


def restored(made: MadeBackup, live: Path, to: Path, urls: tuple[str, str], later: Sequence[Path] = ()) -> MadeLog:
    """Put a backup back into new databases and the new folder `to`, with the keys of the folder `live`. Blocks."""
    checked = check_backup(made.entries, made.keyring, later, quiet)
    shutil.copytree(live / "keys", to / "keys")
    (to / "erasures").mkdir(mode=0o700)
    put_keyring(checked, urls[1], quiet)
    put_entries(checked, urls[0], quiet)
    parts, keyring_database = make_parts(to, urls=urls, settings=settings())
    put_records(checked, to / "erasures", parts.keyring.record_mac)
    forget_again(parts, quiet)
    return MadeLog(Log(parts), parts, keyring_database)


def require_whole(made: MadeLog) -> None:
    """Require that the audit of a restored log finds nothing, and that every entry opens. Blocks."""
    report = fsck(made.parts, quiet)
    assert report.problems == []
    assert report.entries_opened == made.log.store.state().size
