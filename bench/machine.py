"""What the figures were measured on."""

from __future__ import annotations

import hashlib
import os
import platform
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.quantile import quantile
from tests.processes import ROOT

_PACKAGES = ("aiohttp", "uvloop", "sqlalchemy", "cryptography", "msgspec", "obstore", "pymerkle")
_FSYNCS = 200


def describe(folder: Path) -> dict[str, Any]:
    """Return the machine, the file system of `folder`, the cost of an fsync there, and the versions in use."""
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text(encoding="utf-8")) or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "load_average_before": [round(value, 2) for value in os.getloadavg()],
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "filesystem": filesystem_of(folder.resolve(), Path("/proc/mounts").read_text(encoding="utf-8")),
        "fsync_ms_median": round(fsync_seconds(folder) * 1000, 3),
        "sha256_us_median": round(sha256_seconds() * 1e6, 3),
        "versions": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def cpu_model(cpuinfo: str) -> str | None:
    """Return the model name in the text of /proc/cpuinfo."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return None


def filesystem_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds `folder`, from the text of /proc/mounts."""
    found = {Path(fields[1]): fields[2] for fields in map(str.split, mounts.splitlines())}
    return next((found[place] for place in (folder, *folder.parents) if place in found), "unknown")


def fsync_seconds(folder: Path) -> float:
    """Return the median time of appending 4 KiB to a file in `folder` and syncing it."""
    times = []
    path = folder / "fsync-probe"
    with path.open("wb") as file:
        for _ in range(_FSYNCS):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return quantile(sorted(times), 0.5)


def sha256_seconds() -> float:
    """Return the median time of hashing 65 bytes, a tree's inner node: how fast a core is now, with its neighbours."""
    times = []
    data = bytes(65)
    for _ in range(200):
        began = time.perf_counter()
        for _ in range(100):
            hashlib.sha256(data).digest()
        times.append((time.perf_counter() - began) / 100)
    return quantile(sorted(times), 0.5)


def _commit() -> str:
    argv = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
