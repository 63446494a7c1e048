"""kill -9 at every step of an erasure, in a real serving process; and what must be true after it is started again.

As a program, `python -m tests.chaos.erasures DIR STEP` is `tlog serve DIR` that kills itself with SIGKILL at that
step of the first act, as a power cut would.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.interop.served_log import request
from tests.processes import Program, start
from tests.support import entry_document
from tests.town import Town, log_command
from tlog.cli.config import Listen
from tlog.cli.data_folder import DataFolder, exclusive, open_folder, open_log_database
from tlog.cli.output import emit, run
from tlog.cli.server import Address, serve_log
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

STEPS = (
    "begun",
    "prepared",
    "withdrawn",
    "fenced",
    "kept",
    "recorded",
    "applied",
    "destroyed",
    "scrubbed",
    "logged",
    "done",
)
SUBJECT = "subject-marker-QX7431"
NAME = "name-marker-ZW9928"
DATA = "data-marker-KD5512"
TARGET = "target-marker-LP3377"


def serve_until(folder: Path, step: str) -> None:
    """Serve a folder and end by SIGKILL at a step."""

    def at(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    with exclusive(DataFolder(folder)), open_folder(folder) as opened:
        serve_log(replace(opened.parts, step=at), Listen("127.0.0.1", 0), _ready)


def _ready(address: Address) -> None:
    emit({"event": "ready", "url": address.url, "port": address.port}, "", as_json=True)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Bytes that must be in no file once the erasure is done: what each is called, and what it is."""

    values: dict[str, bytes]


def dpo_token(folder: Path) -> str:
    with open_log_database(folder) as database:
        return TokenStore(database, now_us).issue(token_for(Role.DPO, "dana"))[1]


def documents(count: int) -> list[dict[str, Any]]:
    """Return entries about the subject, every third of which is about somebody else too."""
    about = {"id": SUBJECT, "data": {"name": NAME, "note": DATA}}
    other = {"id": "p-other", "data": {"name": "Otto"}}
    targets = [{"type": "record", "id": TARGET}]
    return [
        entry_document(subjects=[about, other] if i % 3 == 0 else [about], targets=targets, details={"n": DATA})
        for i in range(count)
    ]


def body_of(entries: Sequence[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(entry) for entry in entries).encode()


def secrets_of(folder: Path) -> Secrets:
    """Read, before the erasure, what it must destroy; of a log on SQLite."""
    with open_folder(folder) as opened:
        key_id = opened.parts.keyring.find_person("subject", SUBJECT)
        term = opened.parts.keyring.target_term("record", TARGET)
    log, keyring = (sqlite3.connect(folder / name) for name in ("log.db", "keyring.db"))
    try:
        person_hash, wrapped = keyring.execute(
            "SELECT person_hash, wrapped FROM person_keys WHERE key_id = ?", (key_id,)
        ).fetchone()
        rows = log.execute("SELECT log_index, ciphertext FROM personal WHERE key_id = ?", (key_id,)).fetchall()
        values = {f"the part of entry {index}": bytes(part)[13:45] for index, part in rows}
        for index, _ in rows:
            (shared,) = log.execute("SELECT shared FROM entries WHERE log_index = ?", (index,)).fetchone()
            values[f"the shared part of entry {index}"] = bytes(shared)[13:45]
    finally:
        log.close()
        keyring.close()
    clear = {text: text.encode() for text in (SUBJECT, NAME, DATA, TARGET)}
    term_bytes = term.to_bytes(8, signed=True)
    return Secrets(
        values | clear | {"the person's hash": person_hash, "the wrapped key": wrapped, "the target's term": term_bytes}
    )


def found_in(folder: Path, secrets: Secrets) -> list[str]:
    """Return where any of these bytes are, in any file of a folder."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found += [f"{what} in {path.name}" for what, value in secrets.values.items() if value in content]
    return found


def serve_killed_at(place: Town, step: str) -> Program:
    """Stop the town's log and serve its folder until a step."""
    place.log.stop()
    return start([sys.executable, "-m", "tests.chaos.erasures", str(place.log_folder), step])


def erase(url: str, token: str) -> dict[str, Any] | None:
    """Ask for the erasure; None where the log died meanwhile."""
    body = {"subject": SUBJECT, "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        status, answer = request("POST", f"{url}/v1/erasures", json.dumps(body).encode(), headers)
    except (OSError, HTTPException):
        return None
    assert status in {200, 202}, answer
    said: dict[str, Any] = json.loads(answer)
    return said


def wait_until_done(place: Town, token: str, act: str | None = None) -> dict[str, Any]:
    """Return the newest erasure once it is done."""
    deadline = time.monotonic() + 60
    while True:
        status, answer = place.get("/v1/erasures", token)
        assert status == 200, answer
        acts: list[dict[str, Any]] = json.loads(answer)["erasures"]
        if acts and all(found["state"] == "done" for found in acts) and (act is None or acts[0]["act"] == act):
            return acts[0]
        assert time.monotonic() < deadline, place.log.stderr()[-3000:]
        time.sleep(0.05)


__all__ = ["STEPS", "log_command"]

if __name__ == "__main__":
    run(lambda: serve_until(Path(sys.argv[1]), sys.argv[2]))
