"""What is promised about a backup from before an erasure, shown by restoring and serving it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

from tests.accept.promises import shows
from tests.chaos.erasures import (
    DATA,
    NAME,
    SUBJECT,
    body_of,
    documents,
    dpo_token,
    erase,
    found_in,
    secrets_of,
)
from tests.chaos.kills import monitored
from tests.chaos.rollback import require_halted
from tests.interop.served_log import request
from tests.processes import TLOG, Program, free_port, run, run_json, spawn
from tests.town import Town, log_command, town
from tlog.cli.data_folder import DataFolder, open_folder
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import parse_note
from tlog.service.entries import EntryReader
from tlog.storage.log_store import LogStore


@shows("restore-keeps-erased")
def restore_keeps_erased(folder: Path) -> str:
    """Back up, erase, lose everything but the erasure records, restore, serve: the person stays erased."""
    with town(folder / "t", witnesses=1, quorum=1) as place:
        place.append(body_of(documents(20)), "?wait=witnessed")
        officer, secrets = dpo_token(place.log_folder), secrets_of(place.log_folder)
        copies = ["--entries-to", str(folder / "e"), "--keyring-to", str(folder / "k")]
        run([*TLOG, "backup", str(place.log_folder), *copies])
        done = erase(place.log.url, officer)
        assert done is not None
        wait_until_cosigned(place, done["index"] + 1)
        place.log.stop()
        made = [str(next((folder / name).iterdir())) for name in ("e", "k")]
        live = DataFolder(place.log_folder).path
        command = [*TLOG, "restore", "--entries", made[0], "--keyring", made[1], "--keys", str(live / "keys")]
        run([*command, "--erasures", str(live / "erasures"), "--to", str(folder / "restored")])
        traces = {name: value for name, value in secrets.values.items() if name != "the person's hash"}
        left = replace(secrets, values=traces)
        assert found_in(folder / "restored", left) == []
        assert run_json([*TLOG, "fsck", str(folder / "restored"), "--json"])["ok"] is True
        with closing(sqlite3.connect(folder / "restored/keyring.db")) as keyring:
            assert keyring.execute("SELECT count(*) FROM person_keys WHERE person_hash IS NULL").fetchone() == (0,)
        require_erased_when_it_answers(place, folder / "restored", officer)
        require_witnesses_asked(place, folder / "restored")
        assert found_in(folder / "restored", left) == []
    return f"20 entries back, {len(traces)} traces in no file; served: erased when it first answers, nothing signed"


def wait_until_cosigned(place: Town, size: int) -> None:
    """Wait until the witness knows the erasure's own entry, which no backup from before has."""
    deadline = time.monotonic() + 30
    while witnessed_size(place) < size:
        assert time.monotonic() < deadline, f"{witnessed_size(place)} of {size}"
        time.sleep(0.05)


def witnessed_size(place: Town) -> int:
    status, note = request("GET", monitored(place.witnesses[0].url))
    return parse_checkpoint(parse_note(note).text).size if status == 200 else -1


def require_erased_when_it_answers(place: Town, restored: Path, officer: str) -> None:
    """Serve the restored folder and ask from before it listens: when it first answers, its keys open nothing more.

    The answer itself shows nothing: the log can't log a read before its witnesses were asked, and then it is halted.
    """
    place.log.close()
    port = free_port()
    place.log = spawn(log_command(restored, port))
    status, answer = first_answer(place.log, f"http://127.0.0.1:{port}/v1/entries/0", officer)
    assert (status, b"not-logged" in answer) == (503, True), answer
    assert not any(word.encode() in answer for word in (SUBJECT, NAME, DATA))
    with open_folder(restored) as opened:
        reader = EntryReader(LogStore(opened.parts.database), opened.parts.keyring)
        shown = reader.opened(reader.stored(0))
    assert shown.entry["subjects"][0] is None
    assert {"subjects[0]", "shared"} <= set(shown.erased)
    place.log.wait_ready(60)


def first_answer(program: Program, url: str, token: str) -> tuple[int, bytes]:
    """Ask a starting program again and again, and return what it answers as soon as it answers at all."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return request("GET", url, headers={"Authorization": f"Bearer {token}"})
        except (OSError, HTTPException):
            assert program.alive(), program.stderr()[-3000:]
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.01)


def require_witnesses_asked(place: Town, restored: Path) -> None:
    """It asked its witness, which knows more than the backup, before it signed anything: it halted and says why."""
    require_halted(place.log, place)
    status, answer = place.post(body_of(documents(1)))
    assert (status, b"rolled back" in answer) == (503, True), answer
    assert place.published_size() == max(signed_sizes(restored)) == 20
    assert place.log.stop() == 0
    assert max(signed_sizes(restored)) == 20, "it signed something"


def signed_sizes(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "log.db")) as log:
        return [size for (size,) in log.execute("SELECT size FROM checkpoints")]
