"""A whole town of real processes: three witnesses and a log that needs two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.interop.served_log import request
from tests.processes import TLOG, WITNESS, Program, run, run_json, running, start
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import parse_note
from tlog.formats.policy import Policy, parse_policy

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
    closed: list[Program] = field(default_factory=list)

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @property
    def policy(self) -> Policy:
        return parse_policy((self.log_folder / "policy.txt").read_bytes())

    def restart_log(self, env: Mapping[str, str] | None = None) -> None:
        """Start the log again at its old port, after it ended however it ended."""
        port = self.log.ready["port"]
        self.log.close()
        self.log = start(log_command(self.log_folder, port), env=env)

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
def town(folder: Path, *options: str, witnesses: int = 3, quorum: int = 2) -> Iterator[Town]:
    """Make and run a town below `folder`; every process is killed at the end.

    The witnesses must listen before the log is made (its policy holds their addresses) and must know the log's
    key: they are started, the log is made, and it is added at each.
    """
    programs: list[Program] = []
    try:
        lines = []
        for number in range(witnesses):
            home = folder / f"w{number}"
            made = run_json([*WITNESS, "init", str(home), "--name", f"w{number}.example", "--json"])
            programs.append(start(witness_command(home)))
            keys = ",".join((home / "vkeys").read_text().split())
            assert made, "the witness said who it is"
            lines += ["--witness", f"w{number}={keys}@{programs[-1].url}"]
        run([*TLOG, "init", str(folder / "log"), "--origin", ORIGIN, *lines, "--quorum", str(quorum), *options])
        vkeys = [(folder / "log" / name).read_text().strip() for name in ("log.vkey", "log-mldsa.vkey")]
        for number in range(witnesses):
            run([*WITNESS, "add-log", str(folder / f"w{number}"), vkeys[0], "--vkey", vkeys[1]])
        token = run_json([*TLOG, "token", "add", str(folder / "log"), "--source", SOURCE, "--json"])["token"]
        auditor = run_json([*TLOG, "token", "add", str(folder / "log"), "--auditor", "dpo", "--json"])["token"]
        with running(log_command(folder / "log")) as log:
            made_town = Town(folder, programs, log, str(token), str(auditor))
            try:
                yield made_town
            finally:
                made_town.close()
                programs = made_town.witnesses
    finally:
        for program in programs:
            program.close()
