"""A stranger without a token opens more connections than the process may have files."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import TLOG, run, running
from tests.support import entry_document

pytestmark = pytest.mark.processes
LIMITED = ("sh", "-c", 'ulimit -n 128 && exec "$@"', "sh")


@contextmanager
def flood(port: int, sent: bytes, number: int = 400) -> Iterator[None]:
    opened = []
    try:
        for _ in range(number):
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=20))
            with suppress(OSError):
                opened[-1].sendall(sent)
        yield
    finally:
        for connection in opened:
            connection.close()


def ask(url: str, body: bytes | None = None, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:  # noqa: S310
        return int(answer.status)


def test_idle_connections_do_not_stop_the_log(tmp_path: Path) -> None:
    folder = str(tmp_path / "log")
    run([*TLOG, "init", folder, "--origin", "example.com/log"])
    token = run([*TLOG, "token", "add", folder, "--source", "clinic"]).strip()
    with running([*LIMITED, *TLOG, "serve", folder, "--port", "0", "--json"]) as program:
        port = int(program.ready["port"])
        for sent in (b"", b"GET /checkpoint HTTP/1.1\r\n", b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n"):
            with flood(port, sent):
                for _ in range(3):
                    body = json.dumps(entry_document(source="clinic")).encode()
                    assert ask(f"{program.url}/v1/entries?wait=integrated", body, token) == 201
                assert ask(f"{program.url}/readyz") == 200
        assert "halt" not in program.stderr()
        assert "Too many open files" not in program.stderr()
