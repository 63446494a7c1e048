"""For each operation of `/openapi.json` a request that is acceptable: only who asks decides on its answer.

A path may name things in braces, which are made when they are asked for: the log needs one of each for every asker.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from os import urandom
from typing import Any, Final

from tests.support import entry_document
from tlog.audit.entry import new_entry_id

JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
WHY: Final = {"authorised_by": "Dana Officer"}
SETTINGS: Final = {"sealed_by_producers": True, "second_person": True}
"""What the log must be set to: it takes leaves, and acts wait, so that each example finds one to decide on."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request, and the status of its answer to whoever may ask."""

    path: str
    body: Callable[[], Any] | None = None
    status: int = 200
    kind: str = JSON

    def data(self) -> bytes | None:
        """Return the body as it is sent."""
        made = None if self.body is None else self.body()
        return made if made is None or isinstance(made, bytes) else json.dumps(made).encode()


Ask = Callable[[str, str, bytes | None, str | None, str], Awaitable[tuple[int, bytes]]]
"""Sends method, path, body, token and media type; returns status and body."""


def person() -> str:
    """Return the id of somebody whom nothing is about yet."""
    return f"p-{urandom(6).hex()}"


def drilled() -> dict[str, Any]:
    """Return what a drill saw."""
    record = {"index": 0, "find_ms": 1, "evidence_ms": 1, "verify_ms": 1, "missed": None}
    numbers = {"first": 0, "last": 0, "missing": 0, "limit_ms": 5000, "expired": 0, "bare": 0}
    days = {"from_day": "2026-02-01", "to_day": "2026-02-15"}
    return {"drill": new_entry_id(), **days, **numbers, "first_missing": [], "records": [record]}


def today() -> str:
    """Return the day, in UTC."""
    return datetime.now(UTC).date().isoformat()


EXAMPLES: Final[dict[str, Example]] = {
    "appendEntries": Example("/v1/entries", entry_document, 201),
    "addLeaf": Example("/add", lambda: urandom(32), kind=BYTES),
    "findEntries": Example("/v1/entries?source=clinic"),
    "searchEntries": Example("/v1/entries/search", lambda: {"source": "clinic"}),
    "readEntry": Example("/v1/entries/0"),
    "readEntryById": Example("/v1/entries/by-id/{entry}"),
    "evidence": Example("/v1/entries/0/evidence"),
    "caseFile": Example("/v1/evidence", lambda: {"indices": [0]}),
    "subjectAccess": Example("/v1/subject-access", lambda: {"subject": "p-4711", **WHY}),
    "accesses": Example("/v1/access?index=0"),
    "searchAccesses": Example("/v1/access/search", lambda: {"index": 0}),
    "issueToken": Example("/v1/tokens", lambda: {"name": "somebody", "roles": ["reader"]}, 202),
    "tokens": Example("/v1/tokens"),
    "revokeToken": Example("/v1/tokens/{token}/revoke"),
    "drillWindow": Example(f"/v1/drills/window?around={today()}"),
    "logDrill": Example("/v1/drills", drilled, 201),
    "drills": Example("/v1/drills"),
    "sources": Example("/v1/sources"),
    "erase": Example("/v1/erasures", lambda: {"subject": "p-4711", "legal_basis": "Art. 17", **WHY}, 202),
    "erasures": Example("/v1/erasures"),
    "placeHold": Example(
        "/v1/holds",
        lambda: {"kind": "legal-hold", "case": "C-1", "subject": person(), "reason": "a claim", **WHY},
        201,
    ),
    "holds": Example("/v1/holds"),
    "liftHolds": Example("/v1/holds/lift", lambda: {"case": "C-0", "reason": "it is over", **WHY}, 202),
    "retentionPlan": Example("/v1/retention"),
    "retentionRun": Example("/v1/retention/run", lambda: WHY),
    "acts": Example("/v1/acts"),
    "act": Example("/v1/acts/{erasure}"),
    "approveAct": Example("/v1/acts/{pending}/approve"),
    "declineAct": Example("/v1/acts/{pending}/decline"),
    "checkpoint": Example("/checkpoint"),
    "checkpoints": Example("/v1/checkpoints"),
    "inclusionProof": Example("/v1/proofs/inclusion?index=0"),
    "consistencyProof": Example("/v1/proofs/consistency?from=1"),
    "proofFile": Example("/v1/entries/0/proof"),
    # There once the log has 256 entries.
    "entryBundle": Example("/tile/entries/000"),
    "tile": Example("/tile/0/000"),
    "healthz": Example("/healthz"),
    "readyz": Example("/readyz"),
    "metrics": Example("/metrics"),
    "openapi": Example("/openapi.json"),
    "beginOpenIdLogin": Example("/ui/login/openid", status=404),  # no provider is set
    "endOpenIdLogin": Example("/ui/login/openid/callback", status=404),
}


@dataclass(slots=True)
class Things:
    """What the paths of the examples name, made by a data protection officer and an admin whom nobody else is."""

    ask: Ask
    entry: str
    writer: str
    officer: str
    admin: str
    spare: Callable[[], str]
    """Issues a token that nobody needs and returns its id."""

    async def path(self, example: Example, role: str) -> str:
        """Return the path with what it names in it. What is pending is what this role decides on."""
        made = example.path.replace("{entry}", self.entry)
        if "{token}" in made:
            made = made.replace("{token}", self.spare())
        if "{erasure}" in made or ("{pending}" in made and role != "admin"):
            act = await self._erasure()
            return made.replace("{erasure}", act).replace("{pending}", act)
        return made.replace("{pending}", await self._grant()) if "{pending}" in made else made

    async def hold(self) -> None:
        """Place the hold whose case the example of a lift names."""
        body = {"kind": "legal-hold", "case": "C-0", "subject": person(), "reason": "a claim", **WHY}
        await self._done("/v1/holds", body, self.officer)

    async def _erasure(self) -> str:
        whom = person()
        data = json.dumps(entry_document(subjects=[{"id": whom}])).encode()
        status, said = await self.ask("POST", "/v1/entries", data, self.writer, JSON)
        assert status == 201, said
        answer = await self._done("/v1/erasures", {"subject": whom, "legal_basis": "Art. 17", **WHY}, self.officer)
        return str(answer["act"])

    async def _grant(self) -> str:
        answer = await self._done("/v1/tokens", {"name": "newcomer", "roles": ["reader"]}, self.admin)
        return str(answer["act"]["act"])

    async def _done(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        status, said = await self.ask("POST", path, json.dumps(body).encode(), token, JSON)
        assert status in (200, 201, 202), said
        made: dict[str, Any] = json.loads(said)
        return made
