"""PostgreSQL's own programs for copies: pg_dump and pg_restore (https://www.postgresql.org/docs/current/app-pgdump.html).

They are looked for on the PATH, then as the newest of /usr/lib/postgresql. Every process of a machine can read a
command line, so a password goes to them in their environment only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from tlog.errors import ConfigurationInvalid, StorageFault

INSTALLED: Final = Path("/usr/lib/postgresql")
_SHOWN = 300


def dump(url: URL, snapshot: str, to: Path) -> None:
    """Write what an exported snapshot sees to `to`, in the custom format. Raises `StorageFault`."""
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={to}"]
    _run("pg_dump", options, url)


def restore(url: URL, copy: Path) -> None:
    """Put a dump into an empty database, in one transaction: all of it or nothing. Raises `StorageFault`."""
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(copy)]
    _run("pg_restore", options, url)


def require_readable(copy: Path) -> None:
    """Raise `StorageFault` unless the table of contents of a dump can be read."""
    _run("pg_restore", ["--list", str(copy)], None)


def program(name: str) -> str:
    """Return the path of a program. Raises `ConfigurationInvalid`, which says how to mend it."""
    installed = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: _version(path.parts[-3]))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        raise ConfigurationInvalid(
            f"{name} is on neither the PATH nor in {INSTALLED}/*/bin: install PostgreSQL's client programs, of the "
            "server's version or a newer one"
        )
    return found


def _run(name: str, options: list[str], url: URL | None) -> None:
    environment = dict(os.environ)
    command = [program(name), *options]
    if url is not None:
        target, secrets = _target(url)
        command += ["--no-password", f"--dbname={target}"]
        environment |= secrets
    done = subprocess.run(  # noqa: S603 - a program that the administrator installed, without a shell
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, umask=0o077
    )
    if done.returncode:
        raise StorageFault(f"{name} failed: {_reason(done.stderr)}")


def _target(url: URL) -> tuple[str, dict[str, str]]:
    """Return the connection string without a password, and the environment that holds it."""
    values: dict[str, Any] = {**url.query, **url.translate_connect_args(username="user", database="dbname")}
    if "sslpassword" in values:
        raise ConfigurationInvalid("a database URL with sslpassword can't be backed up: use a key without a password")
    password = values.pop("password", None)
    return make_conninfo(**values), {} if password is None else {"PGPASSWORD": str(password)}


def _reason(stderr: bytes) -> str:
    """Return the first line only: those after it may quote rows."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:_SHOWN] if lines else "it did not say why"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
