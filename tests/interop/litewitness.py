"""A foreign witness: litewitness with its own key, listening on loopback only and told of no bastion.

litewitness signs through an ssh-agent and keeps its logs in an SQLite database, which its own tool,
witnessctl, writes to. `add_log` writes the same two rows.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop import tools
from tests.processes import ProcessError, Program, free_port, run, spawn
from tests.shared import require

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LiteWitness:
    """A running litewitness: its submission prefix and its verifier key (a 0x04 cosignature key)."""

    program: Program
    database: Path
    url: str
    vkey: str

    def add_log(self, origin: str, vkey: str) -> None:
        """Make this log known, at size 0. litewitness reads its tables at every request, so it may run."""
        empty_root = base64.b64encode(hashlib.sha256().digest()).decode()
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (origin, empty_root))
            connection.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (origin, vkey))

    def size_of(self, origin: str) -> int:
        """The tree size that the witness last cosigned for this log."""
        with closing(sqlite3.connect(self.database)) as connection:
            row = connection.execute("SELECT tree_size FROM log WHERE origin = ?", (origin,)).fetchone()
        return int(row[0])


@contextmanager
def running_litewitness(name: str) -> Iterator[LiteWitness]:
    """Start an ssh-agent with a fresh key and a litewitness that signs with it; both end with the block."""
    program = tools.path_of(tools.LITEWITNESS)
    for needed in ("ssh-agent", "ssh-add", "ssh-keygen"):
        if shutil.which(needed) is None:
            require(f"{needed} is not installed; litewitness signs through an ssh-agent")
    # A folder of its own with a short name: the path of a Unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="lw-") as home, ExitStack() as stack:
        folder = Path(home)
        fingerprint = _agent(folder, stack)
        port = free_port()
        argv = [program, "-name", name, "-key", fingerprint, "-listen", f"{HOST}:{port}"]
        argv += ["-db", str(folder / "witness.db"), "-ssh-agent", str(folder / "agent.sock")]
        running = spawn(argv)
        stack.callback(running.close)
        running.wait_port(HOST, port, seconds=30)
        yield LiteWitness(running, folder / "witness.db", f"http://{HOST}:{port}", _vkey(running))


def _agent(folder: Path, stack: ExitStack) -> str:
    """An ssh-agent on `agent.sock` with one fresh Ed25519 key; the key's fingerprint."""
    key, socket_path = folder / "key", folder / "agent.sock"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "witness", "-f", str(key)])
    agent = spawn(["ssh-agent", "-D", "-a", str(socket_path)])
    stack.callback(agent.close)
    _wait_for(socket_path, agent)
    run(["ssh-add", "-q", str(key)], env={"SSH_AUTH_SOCK": str(socket_path)})
    return run(["ssh-keygen", "-l", "-E", "sha256", "-f", f"{key}.pub"]).split()[1]


def _wait_for(path: Path, program: Program) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        if time.monotonic() > deadline or not program.alive():
            raise ProcessError(f"no {path.name}\n{program.stderr()}")
        time.sleep(0.01)


def _vkey(program: Program) -> str:
    found = re.search(r'"?verifier key"? vkey="?([^"\s]+)', program.stderr())
    if found is None:
        raise ProcessError(f"litewitness printed no verifier key\n{program.stderr()}")
    return found[1]
