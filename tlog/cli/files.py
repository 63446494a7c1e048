"""Read and write the files that a user names; `-` is stdin or stdout."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from tlog.errors import ConfigurationInvalid, TooLarge

MAX_FILE_BYTES: Final = 4 << 20
STANDARD: Final = Path("-")


def read_file(path: Path, at_most: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's bytes, so many at most. Raises `ConfigurationInvalid`, `TooLarge`."""
    try:
        if path == STANDARD:
            data = sys.stdin.buffer.read(at_most + 1)
        else:
            with path.open("rb") as file:
                data = file.read(at_most + 1)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read {path}: {error.strerror}") from None
    if len(data) > at_most:
        raise TooLarge(f"{path} has more than {at_most} bytes; nothing that is read here is that large")
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in place of one of that name. Raises `ConfigurationInvalid`."""
    if path == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        _replace(path, data)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
