"""The README's quick start, run as it stands: real processes, only the ports replaced by free ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.processes import Program, environment, free_port, spawn

README = page("README.md")
PORTS = ("8088", "8091")


@dataclass(frozen=True, slots=True)
class Shell:
    """A terminal in an empty folder, with this checkout's commands."""

    folder: Path
    ports: dict[str, str]

    def run(self, script: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.replaced(script)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, command: str) -> Program:
        return spawn(["bash", "-c", f"cd {self.folder} && exec {self.replaced(command)}"], env=self.environment())

    def replaced(self, script: str) -> str:
        for said, free in self.ports.items():
            script = script.replace(said, free)
        return script

    def environment(self) -> dict[str, str]:
        env = environment()
        return {**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {port: str(free_port()) for port in PORTS})


@pytest.mark.processes
def test_the_quick_start_does_what_it_says(shell: Shell) -> None:
    [init], [witness, log], [use, find] = (README.marked(mark) for mark in ("init", "serve", "use"))
    shell.run(init)
    with ExitStack() as stack:
        for command in (witness, log):
            program = shell.serve(command)
            stack.callback(program.close)
            port = next(shell.ports[port] for port in PORTS if port in command)
            program.wait_port("127.0.0.1", int(port), 60)
        said = shell.run(use)
        verify = use.splitlines()[-1]
        shutil.copy(shell.folder / "entry-2.json", shell.folder / "before.json")
        later = shell.run(find)
        assert "verified: entry 2 of log.example/audit" in later
        assert "p-4711" not in (shell.folder / "entry-2.json").read_text()
    assert "verified: entry 2 of log.example/audit" in said
    assert "witness quorum" in said
    # The rest needs nobody: both processes are gone.
    assert "verified" in shell.run(verify)
    entry = shell.folder / "entry-2.json"
    assert "p-4711" in (shell.folder / "before.json").read_text()
    entry.write_text(entry.read_text().replace("treatment", "curiosity"))
    shell.run(verify, code=1)


@pytest.mark.processes
def test_the_settings_file_and_folder_are_as_the_manual_says(shell: Shell) -> None:
    shell.run(README.marked("init")[0])
    files = [path for path in (shell.folder / "log").rglob("*") if path.is_file()]
    made = {path.parent.name if path.parent.name in {"notes"} else path.name for path in files}
    manual = page("docs/operations.md").text
    assert len(made) > 8
    for name in made:
        assert name in manual or name.removesuffix("-wal").removesuffix("-shm") in manual, name


def in_folder(command: str) -> str:
    """Return a command of the manual with its places in the shell's folder; TIME is whatever a backup made."""
    places = {"/var/lib/tlog": "log", "/mnt/": "mnt/", "/media/keys": "log/keys", "TIME": "*"}
    for said, here in places.items():
        command = command.replace(said, here)
    # Nothing was erased in the test's log: records that hold nothing newer than the backup are refused otherwise.
    return command.replace("--erasures", "--no-later-erasures --erasures")


@pytest.mark.processes
def test_the_commands_of_the_manual_run(shell: Shell) -> None:
    """Those that name everything they need, in their order, on the log of the quick start, which has no entries:
    `tests/cli/test_read.py` runs `tlog read`."""
    shell.run(README.marked("init")[0])
    elsewhere = ("$ tlog init", "$ tlog serve", "$ tlog read")
    commands = [
        in_folder(line.removeprefix("$ "))
        for block in page("docs/operations.md").fences("console")
        for line in block.replace("\\\n", "").splitlines()
        if line.startswith("$ tlog ") and not line.startswith(elsewhere) and "--url" not in line
    ]
    assert len(commands) > 5
    listed = "tlog token list log"
    token = shell.run(listed).splitlines()[-1].split()[2]
    said = shell.run("\n".join([*(command.replace("ID", token) for command in commands), listed]))
    assert any(line.startswith("revoked ") and f" {token} " in line for line in said.splitlines())
