"""An entry as text for people: `tlog get`, `tlog read`."""

from __future__ import annotations

import json

from tlog.audit.erased_part import said_of
from tlog.client.entry_file import EntryFile
from tlog.client.words import counted


def entry_text(entry: EntryFile) -> str:
    """Return what an entry says, and what of it was erased."""
    shown = json.dumps(entry.entry, ensure_ascii=False, indent=2)
    missing = len(entry.erased_digests)
    erased = [f"{counted(missing, 'field was', 'fields were')} erased"] if missing else []
    erased += [f"  {line}" for line in said_of(missing, entry.erasures)]
    return "\n".join([f"entry {entry.index}, leaf {entry.leaf.hex()}", *erased, shown])
