"""A real log process for the interop tests: initialised, served on loopback, with a token to append with."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.processes import TLOG, ProcessError, Program, run, run_json, running

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServedLog:
    """One running log and what a service or an auditor knows of it."""

    folder: Path
    program: Program
    token: str

    @property
    def url(self) -> str:
        return self.program.url

    @property
    def vkey(self) -> str:
        return log_vkey(self.folder)

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """POST with the token and return the body of the 2xx answer; ProcessError for any other answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        status, answer = request("POST", self.url + path, body, headers)
        if status // 100 != 2:
            raise ProcessError(f"POST {path} answered {status}: {answer[:2000]!r}")
        return answer

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, or None where none is published yet."""
        status, answer = request("GET", f"{self.url}/checkpoint")
        return answer if status == 200 else None

    def wait_published(self, size: int, seconds: float) -> bytes:
        """The first published checkpoint of at least this size; ProcessError if there is none in time."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.checkpoint()
            if found is not None and int(found.split(b"\n")[1]) >= size:
                return found
            if time.monotonic() > deadline or not self.program.alive():
                raise ProcessError(f"no checkpoint of size {size}; last: {found!r}\n{self.program.stderr()[-4000:]}")
            time.sleep(0.05)


def log_vkey(folder: Path) -> str:
    """The log's Ed25519 verifier key."""
    return (folder / "log.vkey").read_text(encoding="utf-8").strip()


def init_log(folder: Path, origin: str, options: Sequence[str] = ()) -> None:
    """Create a log in this folder."""
    run([*TLOG, "init", str(folder), "--origin", origin, *options])


@contextmanager
def serving(folder: Path) -> Iterator[ServedLog]:
    """Serve an initialised log on a free loopback port for the length of a block."""
    token = str(run_json([*TLOG, "token", "add", str(folder), "--source", "interop", "--json"])["token"])
    with running([*TLOG, "serve", str(folder), "--host", HOST, "--port", "0", "--json"]) as program:
        yield ServedLog(folder, program, token)


def request(
    method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One HTTP request on a connection of its own; the status code and the whole body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or HOST, parts.port, timeout=60)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
