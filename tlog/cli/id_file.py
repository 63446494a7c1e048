"""`FILE.tlog-ids`: the ids made for the entries of a file, kept until the file is done with.

    tlog-ids v1 <SHA-256 of FILE in hexadecimal>
    <line number, from 1> <id>                      for each entry without an id of its own, in their order

The log knows an entry again by its id. A run that is killed half-way leaves entries behind that only these ids
name, so they are durable before the first entry is sent, and the next run sends the same ones.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from tlog.audit.entry import new_entry_id
from tlog.errors import ConfigurationInvalid
from tlog.storage.durable import sync_folder

_HEAD: Final = "tlog-ids v1"
_LINE = re.compile(r"([0-9]{1,18}) ([0-9a-f-]{36})\n")

IdOf = Callable[[int], str]
"""From a line number to the id of its entry; asked in the order of lines."""


def id_file(file: Path) -> Path:
    """Return where the ids of a file are kept."""
    return file.with_name(file.name + ".tlog-ids")


def keep_ids(file: Path, digest: str, numbers: Sequence[int], new_id: Callable[[], str] = new_entry_id) -> bool:
    """Make the ids of these lines durable, or check that those of an earlier run are of this very file.

    Returns whether they were made now: nothing was ever sent under them then. `digest` is the file's SHA-256 in
    hexadecimal. Raises `ConfigurationInvalid`.
    """
    path = id_file(file)
    if os.path.exists(path):  # Path.exists raises for a name that is too long
        _check(file, path, digest, numbers)
        return False
    if numbers:
        try:
            _write(path, f"{_HEAD} {digest}\n", (f"{number} {new_id()}\n" for number in numbers))
        except OSError as error:
            raise ConfigurationInvalid(
                f"cannot write {path}: {error.strerror}. It keeps the ids of entries that have none, so that this "
                f"command can be run again. Copy {file.name} to a folder that can be written, or give every entry an id"
            ) from None
    return True


@contextmanager
def kept_ids(file: Path) -> Iterator[IdOf]:
    """Read the ids of a file along with its lines. Raises `ConfigurationInvalid` for a line that has none there."""
    path = id_file(file)
    if not os.path.exists(path):
        yield lambda number: _next(None, path, number)
        return
    try:
        opened = path.open(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read {path}: {error.strerror}") from None
    with opened as ids:
        ids.readline()
        yield lambda number: _next(ids, path, number)


def forget_ids(file: Path) -> None:
    """Remove the ids of a file, if there are any: all of it is stored, or nothing. Should a power cut bring them back,
    they do no harm.

    Raises `ConfigurationInvalid`.
    """
    path = id_file(file)
    try:
        if os.path.exists(path):
            path.unlink()
    except OSError as error:
        raise ConfigurationInvalid(f"cannot remove {path}, which is not needed any more: {error.strerror}") from None


def _check(file: Path, path: Path, digest: str, numbers: Sequence[int]) -> None:
    with kept_ids(file) as id_of, path.open(encoding="ascii", errors="replace") as ids:
        head = ids.readline()
        if not re.fullmatch(_HEAD + r" [0-9a-f]{64}\n", head):
            raise ConfigurationInvalid(f"{path} is not a file of ids by 'tlog append'; move it away")
        if head.split()[-1] != digest:
            raise ConfigurationInvalid(
                f"{file} has changed since a run of 'tlog append' that did not finish. Send it as it was then; or, if "
                f"nothing of it was stored, remove {path}, which has the ids of that run"
            )
        for number in numbers:
            id_of(number)


def _next(ids: IO[str] | None, path: Path, number: int) -> str:
    found = _LINE.fullmatch(ids.readline() if ids else "")
    if found is None or int(found[1]) != number:
        raise ConfigurationInvalid(f"{path} has no id for line {number}: one of the two files was changed")
    return found[2]


def _write(path: Path, head: str, lines: Iterator[str]) -> None:
    """Write a file of mode 0600 whole or not at all; durable on return."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, prefix=".tlog-ids.", delete=False) as file:
        try:
            file.write(head)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    sync_folder(path.parent)
