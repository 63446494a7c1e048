"""A person's id from a file or stdin, so that it does not stand in the shell's history."""

from __future__ import annotations

import sys
from pathlib import Path

from tlog.cli.files import read_file
from tlog.errors import ConfigurationInvalid


def id_in(file: Path) -> str:
    """Return the id that a file, or stdin, holds on its one line. Raises `ConfigurationInvalid`."""
    data = sys.stdin.buffer.read() if str(file) == "-" else read_file(file)
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise ConfigurationInvalid(f"{file}: not UTF-8") from None
    if len(lines) != 1 or not lines[0]:
        raise ConfigurationInvalid(f"{file}: it must hold one id on one line, it has {len(lines)} lines")
    return lines[0]
