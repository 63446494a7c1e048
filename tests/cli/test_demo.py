"""`tlog demo` as its users run it: real processes, some of them killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.processes import ROOT, TLOG, environment

pytestmark = pytest.mark.processes

DEMO = (*TLOG, "demo")
KEYS = [
    "entries",
    "tree_size",
    "checkpoints",
    "witnesses",
    "quorum",
    "proofs_verified",
    "consistency_verified",
    "tampered_refused",
    "seconds",
    "ok",
]
SECONDS = 240


class Demo:
    """A demo under way. Its folder's path is in the command line of every program it starts."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process
        self.said: list[str] = []

    def pids(self) -> dict[str, int]:
        """Read stderr until all four programs run; their pids by name."""
        found: dict[str, int] = {}
        while len(found) < 4:
            line = self.read_line()
            if said := re.match(r"(.+) is process (\d+) at http://127\.0\.0\.1:\d+$", line):
                found[said[1]] = int(said[2])
        return found

    def read_line(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, self.said
        self.said.append(line)
        return line.rstrip("\n")

    def end(self) -> tuple[int, str, str]:
        """Wait until it ends: exit code, the rest of stdout, everything it said on stderr."""
        stdout, stderr = self.process.communicate(timeout=SECONDS)
        self.said.append(stderr)
        return self.process.returncode, stdout, "".join(self.said)

    def left(self) -> list[str]:
        """The command lines of all processes of this demo, but the demo's own."""
        lines = subprocess.run(["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, check=True).stdout
        ours = [line for line in lines.splitlines() if str(self.folder) in line]
        return [line for line in ours if int(line.split()[0]) != self.process.pid]


@pytest.fixture(scope="session")
def fast_start(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the many short-lived programs of a demo compile every module only once."""
    return {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("pycache")), "PYTHONDONTWRITEBYTECODE": ""}


@pytest.fixture
def demo(tmp_path: Path, fast_start: dict[str, str]) -> Any:
    """Start a demo with some options for the length of a block, at the end of which none of its processes runs."""

    @contextmanager
    def start(*options: str) -> Iterator[Demo]:
        folder = tmp_path / "demo"
        pipe = subprocess.PIPE
        argv = [*DEMO, "--keep", str(folder), *options]
        with subprocess.Popen(argv, cwd=ROOT, env=environment(fast_start), stdout=pipe, stderr=pipe, text=True) as run:
            started = Demo(folder, run)
            try:
                yield started
            finally:
                run.kill()
        assert started.left() == []

    return start


def test_once(demo: Any) -> None:
    with demo("--once", "--entries", "300", "--json") as run:
        code, stdout, stderr = run.end()
    assert code == 0, stderr
    [line] = stdout.splitlines()
    values = json.loads(line)
    assert list(values) == KEYS
    assert values["ok"] is True
    assert values["tampered_refused"] is True
    assert (values["entries"], values["tree_size"]) == (300, 301), "and the log's own, of the first admin's link"
    assert (values["witnesses"], values["quorum"], values["proofs_verified"]) == (3, 2, 200)
    assert values["checkpoints"] >= 2
    assert values["consistency_verified"] == values["checkpoints"] - 1
    assert 0 < values["seconds"] < SECONDS


def test_one_witness_of_three_may_die(demo: Any) -> None:
    with demo("--once", "--entries", "2000", "--json") as run:
        os.kill(run.pids()["witness w2"], signal.SIGKILL)
        code, stdout, stderr = run.end()
    assert code == 0, stderr
    assert json.loads(stdout)["ok"] is True
    assert "witness w2 ended with signal SIGKILL" in stderr


def test_without_a_quorum_it_fails_and_says_so(demo: Any) -> None:
    with demo("--once", "--entries", "5000", "--json") as run:
        pids = run.pids()
        os.kill(pids["witness w1"], signal.SIGKILL)
        os.kill(pids["witness w3"], signal.SIGKILL)
        code, stdout, stderr = run.end()
    assert code == 1, stderr
    values = json.loads(stdout)
    assert list(values) == KEYS
    assert values["ok"] is False
    assert "no quorum: 1 of 3 witnesses are left and 2 must cosign" in stderr


def test_a_dead_log_ends_it(demo: Any) -> None:
    with demo("--once", "--entries", "5000") as run:
        os.kill(run.pids()["log"], signal.SIGKILL)
        code, stdout, stderr = run.end()
    assert code == 1
    assert "tlog: log ended with signal SIGKILL" in stderr
    assert "FAILED" in stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(demo: Any, number: signal.Signals) -> None:
    with demo("--json") as run:
        ready = json.loads(run.process.stdout.readline())
        assert ready["event"] == "ready"
        pids = [ready["pid"], *(witness["pid"] for witness in ready["witnesses"])]
        assert len(pids) == len(run.left()) == 4
        run.process.send_signal(number)
        code, _, stderr = run.end()
        assert code == 0, stderr
        assert run.left() == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_signal_while_it_starts(demo: Any) -> None:
    with demo() as run:
        assert run.process.stdout.readline() == "starting three witnesses and a log\n"
        run.process.send_signal(signal.SIGTERM)
        code, stdout, stderr = run.end()
        assert (code, stdout) == (0, "everything is stopped\n"), stderr
        assert run.left() == []


def test_interrupted_once_is_no_success(demo: Any) -> None:
    with demo("--once", "--json") as run:
        run.pids()
        run.process.send_signal(signal.SIGINT)
        code, stdout, _ = run.end()
        assert (code, stdout) == (130, "")


def test_what_it_prints_is_true(demo: Any, fast_start: dict[str, str]) -> None:
    """The commands it shows can be copied, and the example entry is accepted."""
    with demo("--rate", "50") as run:
        printed: list[str] = []
        while not printed or "Ctrl-C" not in printed[-1]:
            line = run.process.stdout.readline()
            assert line, printed
            printed.append(line)
        text = "".join(printed)
        assert f"policy      {run.folder}/log/policy.txt" in text
        assert "ok  witness quorum" in text
        [pages] = re.findall(r"^pages       (http\S+/ui/)$", text, re.MULTILINE)
        assert f"  {run.folder}/auditor.token\n" in text
        ways_in = re.findall(r"^  (\S.*token link .+)$", text, re.MULTILINE)
        for command in ways_in:
            made = subprocess.run(command, shell=True, check=True, capture_output=True, env=environment(fast_start))  # noqa: S602
            assert made.stdout.decode().startswith(f"{pages}login/link?code=")
        assert [command.split()[-2] for command in ways_in] == ["--dpo", "--admin"]
        shown = re.findall(r"^  \$ (.+)$", text, re.MULTILINE)
        assert re.findall(r"^  \$ .+? (prove|get|verify) ", text, re.MULTILINE) == ["prove", "get", "verify"]
        assert len(shown) == 3
        for command in shown:
            subprocess.run(command, shell=True, check=True, capture_output=True, env=environment(fast_start))  # noqa: S602
        [(token, body, url)] = re.findall(r"Bearer (\S+)'.*?-d '(.+?)' (http\S+)", text, re.DOTALL)
        assert json.loads(post(url, token, body))["status"] == "durable"
        run.process.send_signal(signal.SIGINT)
        assert run.end()[0] == 0


def post(url: str, token: str, body: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = Request(url, body.encode(), headers)  # noqa: S310 - http, on loopback
    with urlopen(asked, timeout=30) as answer:  # noqa: S310
        return bytes(answer.read())


def test_the_temporary_folder_is_removed(tmp_path: Path, fast_start: dict[str, str]) -> None:
    env = environment({**fast_start, "TMPDIR": str(tmp_path)})
    with subprocess.Popen([*DEMO, "--json"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        policy = Path(json.loads(run.stdout.readline())["policy"])
        assert policy.is_relative_to(tmp_path)
        assert policy.exists()
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=SECONDS) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path: Path, fast_start: dict[str, str]) -> None:
    (tmp_path / "mine").write_text("precious")
    argv = [*DEMO, "--keep", str(tmp_path)]
    run = subprocess.run(argv, cwd=ROOT, env=environment(fast_start), capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "name a folder that does not exist" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
