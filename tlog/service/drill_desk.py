"""The desk of a log's own drill: what the HTTP interface answers with, asked for without it.

One thing at a time, in a thread: a drill takes nothing from appends but that.
"""

from __future__ import annotations

import asyncio
from datetime import date

from tlog.audit.opened import OpenedEntry
from tlog.audit.part import CORE
from tlog.audit.wish import Wish
from tlog.client.drill_desk import DrillWindow, Hits, Known, Verified
from tlog.client.drill_question import Question
from tlog.client.verifying_process import verify_in_process
from tlog.formats.policy import Policy, encode_policy
from tlog.service.drill_windows import DrillWindows
from tlog.service.entries import EntryReader
from tlog.service.evidence import EvidenceMaker, Provable
from tlog.service.lookup import LookUp
from tlog.service.lookup_filters import Filters
from tlog.storage.lookup.conditions import Window

PAGE = 200


class LogDesk:
    """A `Desk` within the log."""

    def __init__(
        self, windows: DrillWindows, entries: EntryReader, lookup: LookUp, maker: EvidenceMaker, policy: Policy
    ) -> None:
        self._windows = windows
        self._entries = entries
        self._lookup = lookup
        self._maker = maker
        self._policy = encode_policy(policy)

    async def window(self, around: date, days: int) -> DrillWindow:
        """Return the window."""
        return await asyncio.to_thread(self._windows.around, around, days)

    async def read(self, index: int) -> Known:
        """Return an entry."""
        return await asyncio.to_thread(self._read, index)

    async def search(self, question: Question, cursor: str | None) -> Hits:
        """Return a page of what a question finds."""
        return await asyncio.to_thread(self._search, question, cursor)

    async def evidence(self, index: int) -> bytes:
        """Return a file that proves the entry."""
        return await asyncio.to_thread(self._evidence, index)

    async def verify(self, evidence: bytes) -> Verified:
        """Return what a separate process says that the file proves."""
        return await verify_in_process(self._policy, evidence)

    def _read(self, index: int) -> Known:
        stored = self._entries.stored(index)
        return Known(self._entries.opened(stored).entry, stored.leaf)

    def _search(self, question: Question, cursor: str | None) -> Hits:
        page = self._lookup.page(_filters(question), cursor, PAGE)
        return Hits([each.stored.index for each in page.entries if isinstance(each.opened, OpenedEntry)], page.next)

    def _evidence(self, index: int) -> bytes:
        stored = self._entries.stored(index)
        entry = Provable(stored, self._entries.opened(stored))
        return self._maker.make([entry], Wish([CORE]).hides).encode()


def _filters(question: Question) -> Filters:
    asked = question.values
    return Filters(
        actor=(asked["actor_type"], asked["actor_id"]) if "actor_id" in asked else None,
        subject=asked.get("subject"),
        target=(asked["target_type"], asked["target_id"]) if "target_id" in asked else None,
        action=asked.get("action"),
        source=asked.get("source"),
        occurred=Window(question.start, question.end),
    )
