"""Starting and ending programs: whatever happens to them, the reason is said and none is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tlog.cli.demo import programs as module
from tlog.cli.demo.concurrent import Interrupted, all_of, guarded, interruptible
from tlog.cli.demo.programs import ProgramFailed, Programs

pytestmark = pytest.mark.processes

READY = "import json, sys, time; print(json.dumps({'event': 'ready', 'url': 'http://h/'}), flush=True); "


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_a_served_program_is_ready_and_stopped(tmp_path: Path) -> None:
    async with Programs(tmp_path) as programs:
        program = await programs.serve("it", python(f"print('noise', flush=True); {READY} time.sleep(600)"))
        assert (program.url, program.alive) == ("http://h", True)
    assert program.process.returncode == -signal.SIGTERM


async def test_a_deaf_program_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY} time.sleep(600)"
    async with Programs(tmp_path) as programs:
        program = await programs.serve("it", python(deaf))
    assert program.process.returncode == -signal.SIGKILL


async def test_a_program_that_ends_first_says_why(tmp_path: Path) -> None:
    async with Programs(tmp_path) as programs:
        with pytest.raises(ProgramFailed, match=r"it ended with exit code 3 before it was ready.*no such port"):
            await programs.serve("it", python("import sys; print('no such port', file=sys.stderr); sys.exit(3)"))


async def test_a_program_that_is_never_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.5)
    async with Programs(tmp_path) as programs:
        with pytest.raises(ProgramFailed, match=r"it was not ready after 0\.5 seconds"):
            await programs.serve("it", python("import time; time.sleep(600)"))


async def test_a_command_gives_its_json(tmp_path: Path) -> None:
    async with Programs(tmp_path) as programs:
        assert await programs.run("it", python("print('{\"a\": 1}')")) == {"a": 1}
        with pytest.raises(ProgramFailed, match=r"it ended with signal SIGABRT; .*nothing on stderr"):
            await programs.run("it", python("import os; os.abort()"))


async def test_a_command_under_way_is_stopped(tmp_path: Path) -> None:
    """Cancelled while it waits for the command, which says by a named pipe that it runs."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import os, time; open({str(pipe)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    async def run() -> None:
        async with Programs(tmp_path) as programs:
            await programs.run("it", python(code))

    task = asyncio.create_task(run())
    pid = int(await asyncio.to_thread(pipe.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_signal_interrupts_and_a_second_does_not_disturb_the_end() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.05)  # lets the loop see the second signal
            ended.append("tidily")

    with pytest.raises(Interrupted):
        await interruptible(work())
    assert ended == ["tidily"]


async def test_a_guards_error_ends_the_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def guard() -> None:
        raise ProgramFailed("it died")

    with pytest.raises(ProgramFailed):
        await guarded(work(), guard())
    assert ended.is_set()


async def test_the_first_error_ends_all() -> None:
    ended: list[int] = []

    async def one(number: int) -> int:
        try:
            if number == 2:
                raise ProgramFailed("two")
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    with pytest.raises(ProgramFailed):
        await all_of(one(number) for number in range(3))
    assert sorted(ended) == [0, 1, 2]


async def test_answers_keep_their_order() -> None:
    async def one(number: int) -> int:
        await asyncio.sleep(0.001 * (5 - number))
        return number

    assert await all_of((one(number) for number in range(5)), at_once=2) == (0, 1, 2, 3, 4)
