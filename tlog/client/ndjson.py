"""Newline-delimited entries on their way to the log: cut into lines, checked, each given an id.

An `id` made here, before the first attempt, makes every retry harmless: the log answers a known id with the
index it has. Everything else of a line is sent byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tlog.audit.entry import MAX_ENTRY_BYTES, new_entry_id, parse_entry
from tlog.errors import EntryInvalid, Fault

_PLACE_IN_LINE = re.compile(r" at line 1 (column [0-9]+)")


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One entry: its line number from 1, its id, and the JSON text that is sent, newline not included."""

    number: int
    id: str
    data: bytes

    def __repr__(self) -> str:
        return f"<Line {self.number}>"


class LineReader:
    """Cuts chunks of bytes into entries. Blank lines are skipped, and counted."""

    def __init__(self, id_of: Callable[[int], str] = lambda _: new_entry_id()) -> None:
        """`id_of` is asked for the id of each entry that has none, by its line number, in the order of lines."""
        self._id_of = id_of
        self._rest = b""
        self._number = 0
        self._skipping = False  # the rest of a line that is too long

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the entries of the lines that `chunk` completes.

        Raises `EntryInvalid` with the faults of all these lines. Reading may go on with the next chunk then, to
        find all that is wrong with a file.
        """
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines, faults = self._entries(whole)
        self._rest = b"" if self._skipping else rest
        if len(self._rest) > MAX_ENTRY_BYTES:
            faults.append(Fault(f"line {self._number + 1}", f"longer than {MAX_ENTRY_BYTES} bytes"))
            self._rest, self._skipping = b"", True
        if faults:
            raise EntryInvalid(faults)
        return lines

    def finish(self) -> list[Line]:
        """Return the entry of a last line without a newline. Raises `EntryInvalid`."""
        rest, self._rest = self._rest, b""
        lines, faults = self._entries([rest])
        if faults:
            raise EntryInvalid(faults)
        return lines

    def _entries(self, texts: Iterable[bytes]) -> tuple[list[Line], list[Fault]]:
        lines: list[Line] = []
        faults: list[Fault] = []
        for text in texts:
            self._number += 1
            if self._skipping:
                self._skipping = False
                continue
            try:
                lines += self._line(text)
            except EntryInvalid as error:
                faults += [at_line(self._number, fault) for fault in error.faults]
        return lines, faults

    def _line(self, text: bytes) -> list[Line]:
        text = text.strip(b" \t\r")
        if not text:
            return []
        entry = parse_entry(text, lambda: "")
        if entry.id:
            return [Line(self._number, entry.id, text)]
        made = self._id_of(self._number)
        return [Line(self._number, made, b'{"id":"%b",%b' % (made.encode(), text[1:].lstrip(b" \t\r")))]


def batches(lines: Sequence[Line], max_entries: int, max_bytes: int) -> Iterator[Sequence[Line]]:
    """Cut entries into requests of at most so many entries and bytes; one entry is never too large."""
    start = size = 0
    for position, line in enumerate(lines):
        if position > start and (position - start >= max_entries or size + len(line.data) + 1 > max_bytes):
            yield lines[start:position]
            start, size = position, 0
        size += len(line.data) + 1
    if lines:
        yield lines[start:]


def at_line(number: int, fault: Fault) -> Fault:
    """Return a fault with its line's number in front."""
    message = _PLACE_IN_LINE.sub(r" at \1", fault.message)  # an entry has one line: what counts is that of the file
    return Fault(f"line {number}: {fault.path}" if fault.path else f"line {number}", message)


def lines_of(faults: Iterable[Fault]) -> int:
    """Return in how many lines faults from `LineReader` are."""
    return len({fault.path.partition(":")[0] for fault in faults})


def body_of(lines: Iterable[Line]) -> bytes:
    """Return the NDJSON of these entries."""
    return b"".join(line.data + b"\n" for line in lines)
