"""Asking on the terminal before something is gone for good. Never from within an event loop: there, Ctrl-C waits."""

from __future__ import annotations

import io
import select
import sys
from typing import Final

_TURN: Final = 0.2  # seconds


def confirmed(question: str) -> bool:
    """Ask on stderr and return whether the answer was yes; no answer is no. Ctrl-C raises `KeyboardInterrupt`."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    try:
        _wait_for_input()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
    return answer.strip().lower() in {"y", "yes"}


def _wait_for_input() -> None:
    """Wait in turns: a Ctrl-C that comes just before a read that blocks would be noticed only after it."""
    try:
        stdin = sys.stdin.fileno()
    except (io.UnsupportedOperation, ValueError):  # not a file: nothing to wait for
        return
    while not select.select([stdin], [], [], _TURN)[0]:
        pass
