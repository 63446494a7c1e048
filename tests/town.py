"""A whole town of real processes: three witnesses and a log that needs two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.served_log import request
from tests.processes import TLOG, WITNESS, Program, spawn, start
from tlog.cli.config import Config
from tlog.cli.data_folder import open_log_database
from tlog.cli.new_folder import make_folder
from tlog.cli.witness_option import witness_policy
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import parse_note
from tlog.formats.policy import Policy, parse_policy
from tlog.formats.vkey import VKey
from tlog.service.log_parts import now_us
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for
from witness.directory import create_directory, open_store
from witness.logs import LogSettings as TrustedLog
from witness.logs import add_log, pinned_state

ORIGIN = "example.com/town"
SOURCE = "clinic"


@dataclass(slots=True)
class Town:
    """Its folders, its running programs, and tokens of a source and of an auditor."""

    folder: Path
    witnesses: list[Program]
    log: Program
    token: str
    auditor: str

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @property
    def policy(self) -> Policy:
        return parse_policy((self.log_folder / "policy.txt").read_bytes())

    def restart_log(self, env: Mapping[str, str] | None = None, seconds: float = 60) -> None:
        """Start the log again at its old port, after it ended however it ended; it has this long to be ready."""
        port = self.log.ready["port"]
        self.log.close()
        self.log = start(log_command(self.log_folder, port), env=env, seconds=seconds)

    def restart_witness(self, number: int) -> None:
        port = self.witnesses[number].url.rsplit(":", 1)[1]
        self.witnesses[number].close()
        self.witnesses[number] = start(witness_command(self.folder / f"w{number}", port))

    def get(self, path: str, token: str | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return request("GET", self.log.url + path, headers=headers)

    def post(self, body: bytes, query: str = "", kind: str = "application/x-ndjson") -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        return request("POST", f"{self.log.url}/v1/entries{query}", body, headers)

    def append(self, body: bytes, query: str = "") -> list[dict[str, object]]:
        """Append and return the answer's entries; AssertionError for a refusal."""
        status, answer = self.post(body, query)
        assert status in (200, 201), answer
        entries: list[dict[str, object]] = json.loads(answer)["entries"]
        return entries

    def published_size(self) -> int:
        status, note = self.get("/checkpoint")
        return parse_checkpoint(parse_note(note).text).size if status == 200 else -1

    def close(self) -> None:
        for program in (self.log, *self.witnesses):
            program.close()


def log_command(folder: Path, port: object = 0) -> list[str]:
    return [*TLOG, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--json"]


def witness_command(folder: Path, port: object = 0) -> list[str]:
    return [*WITNESS, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--json"]


@contextmanager
def town(folder: Path, witnesses: int = 3, quorum: int | None = 2, **settings: Any) -> Iterator[Town]:
    """Make and run a town below `folder`; every process is killed at the end.

    The witnesses must listen before the log is made (its policy holds their addresses) and must know the log's
    key: they are started, the log is made, and it is added at each. Folders are made by the functions behind
    `tlog init` and `tlog-witness init`, which saves the start of a dozen processes.
    """
    homes = [folder / f"w{number}" for number in range(witnesses)]
    identities = [create_directory(home, f"{home.name}.example") for home in homes]
    programs = [spawn(witness_command(home)) for home in homes]
    place: Town | None = None
    try:
        for program in programs:
            program.wait_ready(60)
        options = [
            f"{home.name}={','.join(vkey.encode() for vkey in identity.vkeys)}@{program.url}"
            for home, identity, program in zip(homes, identities, programs, strict=True)
        ]
        config = Config(ORIGIN, settings=LogSettings(**settings))
        made = make_folder(folder / "log", config, witness_policy(options, quorum))
        for home in homes:
            _add_log(home, made.vkeys)
        token, auditor = _tokens(folder / "log")
        place = Town(folder, programs, start(log_command(folder / "log")), token, auditor)
        yield place
    finally:
        for program in programs:
            program.close()
        if place is not None:
            place.close()


def _add_log(home: Path, vkeys: Sequence[VKey]) -> None:
    store = open_store(home)
    try:
        log = TrustedLog(ORIGIN, tuple(vkeys))
        add_log(store, log, pinned_state(log, None))
    finally:
        store.close()


def _tokens(folder: Path) -> tuple[str, str]:
    with open_log_database(folder) as database:
        tokens = TokenStore(database, now_us)
        return tokens.issue(token_for(Role.WRITER, SOURCE))[1], tokens.issue(token_for(Role.AUDITOR, "dpo"))[1]
