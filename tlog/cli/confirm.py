"""Asking on the terminal before something is gone for good. Never from within an event loop: there, Ctrl-C waits."""

from __future__ import annotations

import sys


def confirmed(question: str) -> bool:
    """Ask on stderr and return whether the answer was yes; no answer is no. Ctrl-C raises `KeyboardInterrupt`."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
    return answer.strip().lower() in {"y", "yes"}
