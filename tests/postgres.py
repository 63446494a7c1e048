"""A real PostgreSQL server for tests: a temporary cluster on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.shared import require

_numbers = count()


def binaries() -> Path:
    """Return the folder of the newest server's programs; skip visibly (or fail, see `require`) without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        require("PostgreSQL's server (initdb, pg_ctl) is not installed")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


@contextmanager
def cluster() -> Iterator[Path]:
    """Run a server while the block lasts; yields the folder of its socket."""
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="tlog-pg-"))
    as_user = _as_server_user(folder)
    data = folder / "data"
    _run([*as_user, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"])
    # Nobody pulls this server's plug, so it need not wait for a disk.
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=200 -c fsync=off"
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    _run([*control, "-l", str(folder / "server.log"), "-o", options, "start"])
    try:
        yield folder
    finally:
        _run([*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def new_database(socket: Path) -> str:
    """Create an empty database and return its SQLAlchemy URL."""
    name = f"t{next(_numbers)}_{os.getpid()}"
    with psycopg.connect(host=str(socket), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql+psycopg://postgres@/{name}?host={socket}"


def _as_server_user(folder: Path) -> list[str]:
    """The server refuses to run as root: use the user that its package made."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        require("running as root and there is no user 'postgres' to run the server as")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
