"""What auditors are promised about look-up, shown against a naive scan over the entries as they were sent."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.accept.promises import shows
from tests.interop.served_log import request
from tests.support import entry_document
from tests.town import Town, town

ENTRIES = 600
Document = dict[str, Any]
FILTERS: dict[str, Callable[[Document], object]] = {
    "subject": lambda entry: entry["subjects"][0]["id"],
    "action": lambda entry: entry["action"],
    "outcome": lambda entry: entry["outcome"],
    "correlation": lambda entry: entry["correlation"]["trace_id"],
}


def documents(rng: random.Random) -> list[Document]:
    """Return entries of few people, records, actions and days, so that every combination finds some."""
    return [
        entry_document(
            occurred_at=f"2026-0{rng.randint(1, 9)}-{rng.randint(10, 28)}T09:30:00.000000Z",
            actor={"type": "employee", "id": f"e-{rng.randint(1, 5)}"},
            action=rng.choice(["record.read", "record.update", "record.read.print", "login"]),
            outcome=rng.choice(["allowed", "denied"]),
            targets=[{"type": "record", "id": f"r-{rng.randint(1, 8)}"}],
            subjects=[{"id": f"p-{rng.randint(1, 8)}"}],
            correlation={"trace_id": f"t-{rng.randint(1, 40)}"},
        )
        for _ in range(ENTRIES)
    ]


def search(place: Town, filters: Document) -> list[int]:
    """Return every index that a search finds, page by page, newest first."""
    found: list[int] = []
    body = {**filters, "limit": 50}
    headers = {"Authorization": f"Bearer {place.auditor}", "Content-Type": "application/json"}
    while True:
        status, answer = request("POST", f"{place.log.url}/v1/entries/search", json.dumps(body).encode(), headers)
        assert status == 200, answer
        page = json.loads(answer)
        found += [item["index"] for item in page["entries"]]
        if page["next"] is None:
            return found
        body["cursor"] = page["next"]


@shows("found-by-anything")
def found_by_anything(folder: Path) -> str:
    """Every filter alone, and random combinations of them with windows."""
    rng = random.Random(11)
    sent = documents(rng)
    with town(folder) as place:
        place.append("\n".join(map(json.dumps, sent)).encode(), "?wait=integrated")
        slowest, searches = 0.0, 0
        for _ in range(60):
            filters, wanted = _question(rng, sent)
            started = time.monotonic()
            assert search(place, filters) == wanted, filters
            slowest, searches = max(slowest, time.monotonic() - started), searches + 1
    return f"{searches} searches over {ENTRIES} entries as a naive scan says, the slowest {slowest * 1000:.0f} ms"


def _question(rng: random.Random, sent: list[Document]) -> tuple[Document, list[int]]:
    model = rng.choice(sent)
    names = rng.sample(sorted(FILTERS), rng.randint(0, 3))
    filters: Document = {name: FILTERS[name](model) for name in names}
    if rng.random() < 0.5:
        filters |= {"actor_type": "employee", "actor_id": model["actor"]["id"]}
    if rng.random() < 0.3:
        filters |= {"target_type": "record", "target_id": model["targets"][0]["id"]}
    if rng.random() < 0.5:
        filters |= {"occurred_from": "2026-03-01", "occurred_to": "2026-07-01"}
    return filters, [i for i in reversed(range(ENTRIES)) if _matches(sent[i], filters)]


def _matches(entry: Document, filters: Document) -> bool:
    window = filters.get("occurred_from", "0") <= entry["occurred_at"] < filters.get("occurred_to", "9")
    action = filters.get("action", entry["action"])
    return (
        window
        and (entry["action"] == action or entry["action"].startswith(f"{action}."))
        and all(
            FILTERS[name](entry) == value for name, value in filters.items() if name in FILTERS and name != "action"
        )
        and filters.get("actor_id", entry["actor"]["id"]) == entry["actor"]["id"]
        and filters.get("target_id", entry["targets"][0]["id"]) == entry["targets"][0]["id"]
    )
