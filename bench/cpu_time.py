"""Processor time of running processes, from /proc (proc_pid_stat(5)): what a loaded machine does not distort."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 3, 13, 14


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of processor time: of the process itself, and of its children that still run."""

    own: float
    children: float

    def __sub__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.own - other.own, self.children - other.children)


def cpu_time(pid: int) -> CpuTime:
    """Return what a running process and its direct children have used so far."""
    return CpuTime(_seconds(_fields(pid)), sum(_seconds(fields) for fields in _children(pid)))


def _children(pid: int) -> list[list[str]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = _fields(int(folder.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[_PARENT]) == pid:
                found.append(fields)
    return found


def _fields(pid: int) -> list[str]:
    return parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))


def parse_stat(text: str) -> list[str]:
    """Return the fields of /proc/PID/stat; the second is a program's name, which may hold spaces and brackets."""
    opening, closing = text.index("("), text.rindex(")")
    return [text[:opening].strip(), text[opening + 1 : closing], *text[closing + 1 :].split()]


def _seconds(fields: list[str]) -> float:
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
