"""`/ui/witnesses`: the heads that the witnesses show, beside the log's. For everybody."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.http.query import parse_query
from tlog.service.log import Log
from tlog.service.witness_heads import Agreement
from web.frame import Frame
from web.health import Health
from web.log_facts import LogFacts, log_facts

SAID: Final[dict[Agreement, tuple[Health, str]]] = {
    "same": ("good", "Agrees"),
    "behind": ("good", "Agrees, at a smaller size"),
    "ahead": ("bad", "Larger than the log"),
    "differs": ("bad", "Another tree"),
    "silent": ("unknown", "No head shown"),
}


def disagreeing(facts: LogFacts) -> list[str]:
    """Return the names of the witnesses whose head contradicts the log's tree."""
    return [witness.label for witness in facts.witnesses if witness.head.agreement in {"ahead", "differs"}]


class WitnessesPage:
    """The handler."""

    def __init__(self, log: Log, frame: Frame) -> None:
        self._log = log
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/witnesses`."""
        parse_query(request)
        facts = await log_facts(self._log)
        return self._frame.page(request, "witnesses.html", facts=facts, said=SAID, disagreeing=disagreeing(facts))
