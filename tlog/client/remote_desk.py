"""The desk of a drill over HTTP, by the token of an auditor. What is sent of an entry is checked against its leaf."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct, to_builtins

from tlog.audit.part import CORE
from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.client.drill_desk import DrillWindow, Hits, Known, Verified
from tlog.client.drill_question import Question
from tlog.client.drill_result import DrillResult
from tlog.client.entry_file import parse_entry_file
from tlog.client.search import read_page
from tlog.client.verifying_process import verify_in_process
from tlog.errors import MalformedAnswer

PAGE: Final = 50
_END: Final = 1 << 62


class DrillLogged(Struct, frozen=True):
    """What `POST /v1/drills` answers."""

    index: int
    passed: bool


class RemoteDesk:
    """A `Desk` over an open client; `policy` is the file that the auditor trusts."""

    def __init__(self, client: LogClient, policy: bytes) -> None:
        self._client = client
        self._policy = policy

    async def window(self, around: date, days: int) -> DrillWindow:
        """Return the window. Raises `MalformedAnswer` for one that can't be."""
        query = {"around": around.isoformat(), "days": str(days)}
        found = decode(await self._client.get_json("v1/drills/window", query), DrillWindow)
        if not 0 <= found.first <= found.last < _END or found.missing > found.last - found.first + 1:
            raise MalformedAnswer("the log's window is none: its indices do not make a range")
        return found

    async def read(self, index: int) -> Known:
        """Return an entry, verified against its leaf."""
        file = parse_entry_file(await self._client.entry(index))
        if file.index != index:
            raise MalformedAnswer(f"asked for entry {index}, the log sent {file.index}")
        file.verify(file.leaf)
        return Known(file.entry, file.leaf)

    async def search(self, question: Question, cursor: str | None) -> Hits:
        """Return a page of what a question finds."""
        more = {} if cursor is None else {"cursor": cursor}
        page = read_page(await self._client.search({**question.filters(), "limit": PAGE, **more}))
        return Hits([entry.index for entry in page.entries if entry.file is not None], page.next)

    async def evidence(self, index: int) -> bytes:
        """Return a file that proves the entry."""
        return await self._client.post_json("v1/evidence", {"indices": [index], "disclose": [CORE]})

    async def verify(self, evidence: bytes) -> Verified:
        """Return what a separate process says that the file proves."""
        return await verify_in_process(self._policy, evidence)

    async def log(self, result: DrillResult) -> DrillLogged:
        """Have the log keep a result; sent again, it is the same drill."""
        return decode(await self._client.post_json("v1/drills", to_builtins(result)), DrillLogged)
