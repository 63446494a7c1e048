"""A real log with three witnesses and entries of a clinic and a shop, for whoever looks at the pages.

It wants a second person: an erasure was approved; another one, and the lift of a hold, wait. Of two login links one was
used.
"""

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
from tlog.cli.data_folder import DataFolder, open_log_database
from tlog.cli.demo.entries import EntryGenerator, to_json, working_hours
from tlog.cli.demo.stage import Stage, set_stage
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import Credential, NewToken, TokenStore, token_for

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
BASIS = {"legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
DAY = 86_400_000_000
BATCHES = (7, 60, 1, 90, 140, 33, 220)


@dataclass(frozen=True, slots=True)
class WebStage:
    """A running log to look at, and tokens. `person` is erased, from the entry `erased` too; `other` is not.

    The officer `dpo` asked for what waits, `second_dpo` may approve it.
    """

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
    async with set_stage(folder, lambda _: None, _want_a_second_person) as stage:
        with open_log_database(stage.folder.path) as database:
            tokens = TokenStore(database, now_us)
            first, second = (tokens.issue(token_for(Role.DPO, name))[1] for name in ("dana", "omar"))
            admin = tokens.issue(token_for(Role.ADMIN, "root"))[1]
            _issue_links(tokens)
        generator = EntryGenerator(7)
        person, other, third = (generator.cast.subjects["clinic"][number].id for number in (0, 1, 2))
        made = WebStage(stage, first, second, admin, person, other)
        erased = await asyncio.to_thread(_fill, made, generator, batches)
        await asyncio.to_thread(_ask_for_more, made, third)
        yield replace(made, erased=erased)


def _want_a_second_person(folder: DataFolder) -> None:
    text = folder.config.read_text()
    assert "second_person = false" in text
    folder.config.write_text(text.replace("second_person = false", "second_person = true"))


def _issue_links(tokens: TokenStore) -> None:
    """A link that was used, and one that was not yet."""
    for name in ("otto", "ines"):
        new = NewToken(name, frozenset({Role.ADMIN}), credential=Credential.LINK, expires_at=now_us() + DAY)
        code = tokens.issue(new)[1]
        if name == "otto":
            tokens.use_link(code)


def _ask_for_more(made: WebStage, third: str) -> None:
    """Have the lift of the hold and an erasure wait for the second officer."""
    made.ask("POST", "/v1/holds/lift", made.dpo, {"hold": 1, "reason": "settled", "authorised_by": "Dana Officer"})
    made.ask("POST", "/v1/erasures", made.dpo, BASIS | {"subject": third, "reason": "asked by letter"})


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
    act = made.ask("POST", "/v1/erasures", made.dpo, BASIS | {"subject": made.person})["act"]
    made.ask("POST", f"/v1/acts/{act}/approve", made.second_dpo)
    made.ask("POST", "/v1/drills", made.stage.auditor, DRILL)
    return int(of_person[0]["index"])
