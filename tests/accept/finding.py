"""What auditors are promised about look-up, shown against a naive scan over the entries as they were sent."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.accept.promises import shows
from tests.interop.served_log import request
from tests.support import entry_document
from tests.town import SOURCE, Town, town
from tlog.audit.entry import new_entry_id
from tlog.cli.data_folder import open_log_database
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

SOURCES = (SOURCE, "laboratory", "pharmacy")
BATCHES, BATCH = 6, 100
ENTRIES = BATCHES * BATCH
COMBINATIONS = 36
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """What to ask for to find entries like a model, and whether an entry is like it."""

    ask: Callable[[Document], dict[str, str]]
    fits: Callable[[Document, Document], bool]


def later(time_text: str, **span: int) -> str:
    """Return a time that is later by days or microseconds, in the one form that entries have."""
    moved = datetime.fromisoformat(time_text) + timedelta(**span)
    return moved.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def window(name: str, **span: int) -> Filter:
    """Entries whose time of this name is in the window of this length that the model's begins."""
    at = f"{name}_at"
    return Filter(
        lambda model: {f"{name}_from": model[at], f"{name}_to": later(model[at], **span)},
        lambda entry, model: model[at] <= entry[at] < later(model[at], **span),
    )


def member(name: str, value: Callable[[Document], str]) -> Filter:
    """Entries with the model's value."""
    return Filter(lambda model: {name: value(model)}, lambda entry, model: value(entry) == value(model))


FILTERS: dict[str, Filter] = {
    "actor": Filter(
        lambda model: {"actor_type": model["actor"]["type"], "actor_id": model["actor"]["id"]},
        lambda entry, model: entry["actor"] == model["actor"],
    ),
    "target": Filter(
        lambda model: {"target_type": model["targets"][0]["type"], "target_id": model["targets"][0]["id"]},
        lambda entry, model: entry["targets"][0] == model["targets"][0],
    ),
    "action": Filter(
        lambda model: {"action": model["action"]},
        lambda entry, model: f"{entry['action']}.".startswith(f"{model['action']}."),
    ),
    "subject": member("subject", lambda entry: str(entry["subjects"][0]["id"])),
    "source": member("source", lambda entry: str(entry["source"])),
    "outcome": member("outcome", lambda entry: str(entry["outcome"])),
    "class": member("retention", lambda entry: str(entry["retention"])),
    "trace id": member("correlation", lambda entry: str(entry["correlation"]["trace_id"])),
    "request id": member("correlation", lambda entry: str(entry["correlation"]["request_id"])),
    "occurred": window("occurred", days=60),
    "received": window("received", microseconds=1),
}


def document(rng: random.Random, source: str) -> Document:
    """Return an entry of few people, records, actions and days, so that many combinations find some."""
    return entry_document(
        id=new_entry_id(),
        source=source,
        occurred_at=f"2026-0{rng.randint(1, 9)}-{rng.randint(10, 28)}T09:30:00.000000Z",
        actor={"type": rng.choice(["employee", "service"]), "id": f"e-{rng.randint(1, 5)}"},
        action=rng.choice(["record.read", "record.update", "record.read.print", "login"]),
        outcome=rng.choice(["allowed", "denied"]),
        retention=rng.choice(["standard", "clinical"]),
        targets=[{"type": rng.choice(["record", "image"]), "id": f"r-{rng.randint(1, 6)}"}],
        subjects=[{"id": f"p-{rng.randint(1, 8)}"}],
        correlation={"trace_id": f"t-{rng.randint(1, 20)}", "request_id": f"q-{rng.randint(1, 20)}"},
    )


def fill(place: Town, rng: random.Random) -> list[Document]:
    """Append batches of several sources; return the entries in their order in the log, each with the time of receipt
    that the log shows."""
    with open_log_database(place.log_folder) as database:
        tokens = TokenStore(database, now_us)
        text = {source: tokens.issue(token_for(Role.WRITER, source))[1] for source in SOURCES}
    sent: list[Document] = []
    for number in range(BATCHES):
        source = SOURCES[number % len(SOURCES)]
        batch = [document(rng, source) for _ in range(BATCH)]
        headers = {"Authorization": f"Bearer {text[source]}", "Content-Type": "application/x-ndjson"}
        body = "\n".join(map(json.dumps, batch)).encode()
        status, answer = request("POST", f"{place.log.url}/v1/entries?wait=integrated", body, headers)
        assert status == 201, answer
        assert [entry["index"] for entry in json.loads(answer)["entries"]] == list(range(len(sent), len(sent) + BATCH))
        sent += batch
    shown = {item["index"]: item["received_at"] for item in items(place, {})}
    return [entry | {"received_at": shown[index]} for index, entry in enumerate(sent)]


def items(place: Town, filters: Document) -> list[Document]:
    """Return every entry that a search finds, page by page, newest first."""
    found: list[Document] = []
    body = {**filters, "limit": 50}
    headers = {"Authorization": f"Bearer {place.auditor}", "Content-Type": "application/json"}
    while True:
        status, answer = request("POST", f"{place.log.url}/v1/entries/search", json.dumps(body).encode(), headers)
        assert status == 200, answer
        page = json.loads(answer)
        found += page["entries"]
        if page["next"] is None:
            return found
        body["cursor"] = page["next"]


def search(place: Town, filters: Document) -> list[int]:
    """Return the index of every entry that a search finds, newest first."""
    return [item["index"] for item in items(place, filters)]


@shows("found-by-anything")
def found_by_anything(folder: Path) -> str:
    """Every filter alone, random combinations of them, and some entries by their id."""
    rng = random.Random(11)
    with town(folder) as place:
        sent = fill(place, rng)
        questions = [(name,) for name in FILTERS for _ in range(2)] + [combination(rng) for _ in range(COMBINATIONS)]
        found = [ask(place, sent, names, rng.choice(sent)) for names in questions]
        alone = found[: 2 * len(FILTERS)]
        assert all(0 < size < ENTRIES for size, _ in alone), "a filter that finds nothing, or all, shows nothing"
        assert sum(size > 0 for size, _ in found) == len(found), "each model finds itself"
        for index in rng.sample(range(ENTRIES), 5):
            status, answer = place.get(f"/v1/entries/by-id/{sent[index]['id']}", place.auditor)
            assert (status, json.loads(answer)["index"]) == (200, index)
        assert place.get(f"/v1/entries/by-id/{new_entry_id()}", place.auditor)[0] == 404
    slowest = max(seconds for _, seconds in found)
    return (
        f"{len(FILTERS)} filters alone, {COMBINATIONS} combinations, 5 ids over {ENTRIES} entries as a naive scan "
        f"says, the slowest {slowest * 1000:.0f} ms"
    )


def combination(rng: random.Random) -> tuple[str, ...]:
    """Return the names of two to five filters; of the two that are asked for as `correlation`, one at most."""
    names = rng.sample(sorted(FILTERS), rng.randint(2, 5))
    return tuple(name for name in names if name != "request id" or "trace id" not in names)


def ask(place: Town, sent: Sequence[Document], names: Sequence[str], model: Document) -> tuple[int, float]:
    """Search for entries like a model, compare with a scan, and return how many there are and how long it took."""
    filters = {name: value for each in names for name, value in FILTERS[each].ask(model).items()}
    wanted = [i for i in reversed(range(ENTRIES)) if all(FILTERS[name].fits(sent[i], model) for name in names)]
    began = time.monotonic()
    assert search(place, filters) == wanted, filters
    return len(wanted), time.monotonic() - began
