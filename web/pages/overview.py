"""`/ui/`: is the log well? Size, growth, witnesses, quorum. For everybody."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from tlog.http.query import parse_query
from tlog.service.log import Log
from web.frame import Frame
from web.growth_drawing import draw_growth
from web.health import Health
from web.log_facts import AskedWitness, LogFacts, log_facts


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know about the log: how bad, in a word and a sentence, and what to do."""

    health: Health
    word: str
    text: str
    advice: str | None = None


def notices(facts: LogFacts) -> list[Notice]:
    """Return the state of a log, the worst first; one notice at least."""
    found = []
    if facts.halted:
        advice = (
            "It takes nothing, and shows no entry, since it can't log that it did. Proofs are still served. "
            "The operator restores the newest database; see the operations guide."
        )
        found.append(
            Notice("bad", "Halted", f"The log stopped signing: {facts.problem or 'see its error output'}.", advice)
        )
    elif facts.problem is not None:
        advice = "Entries are still taken and kept. They are published once enough witnesses answer."
        found.append(Notice("warning", "Not publishing", f"{facts.problem}.", advice))
    if facts.distrusted is not None:
        text = f"Today's policy does not accept the last witnessed checkpoint: {facts.distrusted}."
        found.append(
            Notice(
                "warning", "Other policy", text, "A change of keys or witnesses does this until the next checkpoint."
            )
        )
    if facts.paused is not None:
        text = f"Nothing expires by itself: {facts.paused.reason}."
        found.append(
            Notice("warning", "Expiry paused", text, "A data protection officer ends the pause, under Retention.")
        )
    if not facts.halted and facts.problem is None:
        found.append(Notice("good", "Ready", "Entries are taken, and published under witnessed checkpoints."))
    return found


def witness_health(witness: AskedWitness, size: int) -> tuple[Health, str]:
    """Return how a witness does beside a checkpoint of `size` leaves."""
    if witness.head.agreement in {"ahead", "differs"}:
        return "bad", "Disagrees"
    if witness.silent:
        return "warning", "Not answering"
    if witness.refusal is not None:
        return "warning", "Refused"
    if witness.cosigned_at is None:
        return "unknown", "Not heard yet"
    return ("good", "Up to date") if witness.size >= size else ("warning", "Behind")


class OverviewPage:
    """The handler."""

    def __init__(self, log: Log, frame: Frame) -> None:
        self._log = log
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/`."""
        parse_query(request)
        facts = await log_facts(self._log)
        return self._frame.page(
            request,
            "overview.html",
            facts=facts,
            notices=notices(facts),
            growth=draw_growth(facts.growth, facts.now),
            witness_health=witness_health,
        )
