"""A real log with three witnesses and entries of a clinic and a shop, for whoever looks at the pages."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from tests.interop.served_log import request
from tlog.cli.data_folder import open_log_database
from tlog.cli.demo.entries import EntryGenerator, to_json, working_hours
from tlog.cli.demo.stage import Stage, set_stage
from tlog.service.log import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

DRILL: dict[str, Any] = {
    "drill": "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11",
    "from_day": "2026-02-01",
    "to_day": "2026-02-15",
    "first": 0,
    "last": 2,
    "missing": 0,
    "first_missing": [],
    "limit_ms": 5000,
    "expired": 0,
    "bare": 0,
    "records": [{"index": 2, "find_ms": 30.5, "evidence_ms": 12, "verify_ms": 100, "missed": None}],
}
BATCHES = (7, 60, 1, 90, 140, 33, 220)


@dataclass(frozen=True, slots=True)
class WebStage:
    """A running log to look at, and tokens. `person` is erased, from the entry `erased` too; `other` is not."""

    stage: Stage
    dpo: str
    second_dpo: str
    admin: str
    person: str
    other: str
    erased: int = 0

    @property
    def url(self) -> str:
        return self.stage.log.url

    def ask(self, method: str, path: str, token: str, body: Any = None, kind: str = "application/json") -> Any:
        """Send one request; AssertionError unless it is answered with a 2xx. Blocks."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        status, answer = request(method, self.url + path, data, headers)
        assert status < 300, (path, status, answer)
        return json.loads(answer)


@asynccontextmanager
async def web_stage(folder: Path, batches: tuple[int, ...] = BATCHES) -> AsyncIterator[WebStage]:
    """Run it for the length of a block."""
    async with set_stage(folder, lambda _: None) as stage:
        with open_log_database(stage.folder.path) as database:
            tokens = TokenStore(database, now_us)
            first, second = (tokens.issue(token_for(Role.DPO, name))[1] for name in ("dana", "omar"))
            admin = tokens.issue(token_for(Role.ADMIN, "root"))[1]
        generator = EntryGenerator(7)
        person, other = (generator.cast.subjects["clinic"][number].id for number in (0, 1))
        made = WebStage(stage, first, second, admin, person, other)
        yield replace(made, erased=await asyncio.to_thread(_fill, made, generator, batches))


def _fill(made: WebStage, generator: EntryGenerator, batches: tuple[int, ...]) -> int:
    """Append the entries, hold some, erase a person; return the index of an entry that they were in."""
    times = working_hours(Random(7), time.time_ns() // 1000, sum(batches))
    for count in batches:
        by_source: dict[str, list[bytes]] = {}
        for _ in range(count):
            entry = generator.next(next(times))
            by_source.setdefault(entry.source, []).append(to_json(entry))
        for source, lines in by_source.items():
            path, token = "/v1/entries?wait=witnessed&timeout=30", made.stage.tokens[source]
            made.ask("POST", path, token, b"\n".join(lines), "application/x-ndjson")
    hold = {"kind": "legal-hold", "case": "2026/17", "reason": "court order", "authorised_by": "Dana Officer"}
    made.ask("POST", "/v1/holds", made.dpo, hold | {"source": "shop"})
    of_person = made.ask("POST", "/v1/entries/search", made.dpo, {"subject": made.person})["entries"]
    basis = {"legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
    made.ask("POST", "/v1/erasures", made.dpo, basis | {"subject": made.person})
    made.ask("POST", "/v1/drills", made.stage.auditor, DRILL)
    return int(of_person[0]["index"])
