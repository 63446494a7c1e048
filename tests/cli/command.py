"""Run a command inside this process: what `tlog …` prints and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tlog.cli.main import app
from tlog.cli.output import run


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on the one line of stdout."""
        assert self.out.count("\n") == 1, self.out
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The JSON object on the last line of stderr; every line is one."""
        values: list[dict[str, Any]] = [json.loads(line) for line in self.err.splitlines()]
        assert "error" in values[-1]
        assert not any("error" in value for value in values[:-1])
        return values[-1]


class Command:
    """`tlog` with arguments."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: object, code: int = 0) -> Outcome:
        """Run, and require this exit code. Whatever happens, no traceback is printed."""
        self._capture.readouterr()
        try:
            run(lambda: app([str(argument) for argument in arguments], prog_name="tlog"))
            ended = 0
        except SystemExit as exit_:
            ended = exit_.code if isinstance(exit_.code, int) else 1
        out, err = self._capture.readouterr()
        assert ended == code, f"ended with {ended}, not {code}\n{out}\n{err}"
        assert "Traceback" not in err
        return Outcome(ended, out, err)
