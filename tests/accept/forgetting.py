"""What data subjects and their data protection officers are promised, shown with real processes and raw bytes."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.accept.evidence import verify
from tests.accept.finding import search
from tests.accept.promises import shows
from tests.chaos.erasures import (
    NAME,
    SUBJECT,
    body_of,
    documents,
    dpo_token,
    erase,
    found_in,
    secrets_of,
    serve_killed_at,
    wait_until_done,
)
from tests.interop.served_log import request
from tests.processes import TLOG, run_json, start
from tests.service.readable import readable_parts
from tests.support import append_request, entry_document
from tests.town import Town, log_command, town
from tlog.cli.config import Config, RetentionPeriod
from tlog.cli.data_folder import open_folder, open_log_database
from tlog.cli.new_folder import make_folder
from tlog.errors import DecryptionFailed
from tlog.formats.policy import NONE, Policy
from tlog.merkle.hashing import leaf_hash
from tlog.merkle.verify import verify_inclusion
from tlog.service.entries import EntryReader
from tlog.service.log import Log
from tlog.service.log_parts import now_us
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

ENTRIES = 60
YEARS = 3 * 365 * 86_400 * 1_000_000


def post(place: Town, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send an object and return status and answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    status, answer = request("POST", place.log.url + path, json.dumps(body).encode(), headers)
    return status, json.loads(answer)


@shows("erased-is-gone")
def erased_is_gone(folder: Path) -> str:
    """Erase a subject of sixty entries; search every byte on disk for words, ciphertexts, hash and key; verify."""
    with town(folder) as place:
        place.append(body_of(documents(ENTRIES)), "?wait=witnessed")
        officer = dpo_token(place.log_folder)
        secrets = secrets_of(place.log_folder)
        assert found_in(place.log_folder, secrets), "nothing to look for"
        proofs = [place.get(f"/v1/entries/{index}/proof")[1] for index in range(ENTRIES)]
        done = erase(place.log.url, officer)
        assert done is not None
        assert (done["status"], done["entries"]) == ("done", ENTRIES)
        assert found_in(place.log_folder, secrets) == []
        for index in (0, 1, ENTRIES - 1):
            proof, entry = folder / f"{index}.tlog-proof", folder / f"{index}.json"
            proof.write_bytes(proofs[index])
            entry.write_bytes(place.get(f"/v1/entries/{index}", officer)[1])
            said = json.loads(entry.read_bytes())
            assert {"subjects[0]", "shared"} <= {part["part"] for part in said["erasures"]}
            assert all(part["index"] == done["index"] and part["at"] for part in said["erasures"])
            assert said["entry"]["purpose"] == "treatment"
            shown = verify(proof, place.log_folder / "policy.txt", "--entry", str(entry), "--json")
            assert shown.returncode == 0, shown.stderr
            assert {part["index"] for part in json.loads(shown.stdout)["erasures"]} == {done["index"]}
        require_proved(place, folder, done, officer)
    return f"{len(secrets.values)} traces in no file, WAL included; 3 proofs from before and the erasure's own verify"


def require_proved(place: Town, folder: Path, done: dict[str, Any], officer: str) -> None:
    """The entry that says what was erased is one of the log as any other: its proof verifies it."""
    proof, entry = folder / "own.tlog-proof", folder / "own.json"
    deadline = time.monotonic() + 30
    while (answer := place.get(f"/v1/entries/{done['index']}/proof"))[0] != 200:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    proof.write_bytes(answer[1])
    entry.write_bytes(place.get(f"/v1/entries/{done['index']}", officer)[1])
    said = json.loads(entry.read_bytes())["entry"]
    assert (said["action"], said["details"]["act"]) == ("tlog.erasure", done["act"])
    shown = verify(proof, place.log_folder / "policy.txt", "--entry", str(entry), "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["index"] == done["index"]


@shows("erasing-leaves-others")
def erasing_leaves_others(folder: Path) -> str:
    """The actor and the other subject stay; who returns has a new key and none of the past."""
    with town(folder, witnesses=1, quorum=1) as place:
        place.append(body_of(documents(9)))
        officer = dpo_token(place.log_folder)
        assert search(place, {"subject": SUBJECT}) == list(range(8, -1, -1))
        key = key_of(place, SUBJECT)
        assert key is not None
        done = erase(place.log.url, officer)
        assert done is not None
        entry = json.loads(place.get("/v1/entries/0", officer)[1])["entry"]
        assert entry["actor"]["name"] == "Dr. Ada Example"
        assert entry["subjects"][0] is None
        assert entry["subjects"][1]["data"] == {"name": "Otto"}
        assert search(place, {"subject": SUBJECT}) == []
        assert key_of(place, SUBJECT) is None
        [again] = place.append(json.dumps(entry_document(subjects=[{"id": SUBJECT}])).encode())
        assert search(place, {"subject": SUBJECT}) == [again["index"]]
        assert len(search(place, {"actor_type": "employee", "actor_id": "e-1007"})) == 10
        fresh = key_of(place, SUBJECT)
        assert fresh is not None
        assert fresh[0] != key[0], "the same name of a key"
        assert fresh[1] != key[1], "the same key"
    return f"9 entries keep actor and other subject; returned at index {again['index']}, found alone, under another key"


def key_of(place: Town, subject: str) -> tuple[int, bytes] | None:
    """Return the name and the bytes of a person's key, unwrapped; None where they have none."""
    with open_folder(place.log_folder) as opened:
        name = opened.parts.keyring.find_person("subject", subject)
        return None if name is None else (name, opened.parts.keyring.person_keys([name])[name])


@shows("hold-stops-erasure")
def hold_stops_erasure(folder: Path) -> str:
    """A hold on a source; the refusal is an entry; lifted, the same erasure is done."""
    with town(folder, witnesses=1, quorum=1) as place:
        place.append(body_of(documents(5)))
        officer = dpo_token(place.log_folder)
        status, hold = post(
            place,
            "/v1/holds",
            officer,
            {"kind": "legal-hold", "case": "C-17/26", "source": "clinic", "reason": "claim", "authorised_by": "Dana"},
        )
        assert status in {200, 201}, hold
        body = {"subject": SUBJECT, "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
        status, refused = post(place, "/v1/erasures", officer, body)
        assert (status, refused["type"].rpartition(":")[2]) == (409, "held"), refused
        [denied] = search(place, {"action": "tlog.erasure", "outcome": "denied"})
        assert NAME.encode() in place.get("/v1/entries/0", officer)[1]
        status, lifted = post(
            place, "/v1/holds/lift", officer, {"case": "C-17/26", "reason": "settled", "authorised_by": "Dana"}
        )
        assert status == 200, lifted
        done = erase(place.log.url, officer)
        assert done is not None
        assert (done["status"], done["entries"]) == ("done", 5)
    return f"409, entry {denied} says it was denied; after the lift 5 entries erased"


@shows("expiry-reaches-backups")
def expiry_reaches_backups(folder: Path) -> str:
    """Entries of three years ago expire at the start; a copy from before is unreadable with the keyring of today."""
    config = Config("example.com/old", retention={"standard": RetentionPeriod(12, "shown here")})
    make_folder(folder / "log", config, Policy((), (), (), NONE))
    asyncio.run(_append_as_of(folder / "log", now_us() - YEARS))
    shutil.copy(folder / "log/log.db", folder / "backup.db")
    with open_log_database(folder / "log") as database:
        officer = TokenStore(database, now_us).issue(token_for(Role.DPO, "dana"))[1]
    served = start(log_command(folder / "log"))
    try:
        headers = {"Authorization": f"Bearer {officer}"}
        _wait_expired(served.url, headers)
        status, gone = request("GET", f"{served.url}/v1/entries/0", headers=headers)
        assert status == 410, gone
        status, answer = request("GET", f"{served.url}/v1/proofs/inclusion?index=0")
        assert status == 200
        proof = json.loads(answer)
        hashes = [b64decode(value) for value in proof["hashes"]]
        with open_log_database(folder / "log") as database:
            leaf = LogStore(database).leaves(0, 1)[0]
        verify_inclusion(leaf_hash(leaf), 0, proof["size"], hashes, b64decode(proof["root"]))
    finally:
        served.stop()
        served.close()
    refused = _open_all(folder)
    return f"{refused} entries: 410 now, unreadable in the copy, proof of inclusion verifies"


async def _append_as_of(folder: Path, moment: int) -> None:
    with open_folder(folder) as opened:
        running = Log(
            replace(opened.parts, now=lambda: moment, settings=replace(opened.config.settings, sealing_processes=0))
        )
        await running.start()
        await running.appender.append(append_request(40))
        await running.stop()


def _wait_expired(url: str, headers: dict[str, str]) -> None:
    for _ in range(600):
        status, _body = request("GET", f"{url}/v1/entries/39", headers=headers)
        if status == 410:
            return
    raise AssertionError("nothing expired")


def _open_all(folder: Path) -> int:
    backup = Database(f"sqlite:///{folder}/backup.db")
    try:
        with open_folder(folder / "log") as opened:
            store = LogStore(backup)
            rows = [store.entry(index) for index in range(40)]
            outcomes = EntryReader(store, opened.parts.keyring).open_all(rows)
            readable = [readable_parts(row, opened.parts.keyring) for row in rows]
    finally:
        backup.close()
    assert all(isinstance(outcome, DecryptionFailed) for outcome in outcomes), outcomes
    open_ones = [row.index for row, parts in zip(rows, readable, strict=True) if parts]
    assert not open_ones, f"parts of {len(open_ones)} entries of the copy still open"
    return len(outcomes)


@shows("kill-finishes-erasure")
def kill_finishes_erasure(folder: Path) -> str:
    """kill -9 before, at and after the point of no return; the next start finishes what was begun."""
    steps = ("withdrawn", "recorded", "applied")
    for number, step in enumerate(steps):
        with town(folder / str(number), witnesses=1, quorum=1, sealing_processes=1) as place:
            place.append(body_of(documents(12)), "?wait=witnessed")
            officer, secrets = dpo_token(place.log_folder), secrets_of(place.log_folder)
            killed = serve_killed_at(place, step)
            assert erase(killed.url, officer) is None
            killed.close()
            place.restart_log()
            assert wait_until_done(place, officer)["entries"] == 12
            assert found_in(place.log_folder, secrets) == []
            place.log.stop()
            assert run_json([*TLOG, "fsck", str(place.log_folder), "--json"])["ok"] is True
    return f"killed at {', '.join(steps)}: finished, logged once, nothing left in any file, fsck clean"
