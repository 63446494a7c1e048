"""Look-ups over HTTP: the time to the first page of 50 decrypted entries, one client, one question at a time.

`python -m bench.lookup DIR` asks a log that `bench.sealed_log` made; `python -m bench lookup` makes its own.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from bench import sealed_log
from bench.figure import Figure, Floor
from bench.place import Place, served
from bench.quantile import quantile
from bench.report import figure_text
from bench.run import Run
from tlog.audit.fields import instant
from tlog.cli.data_folder import open_log_database
from tlog.service.log import now_us
from tlog.storage.log_store import LogStore
from tlog.storage.token_store import TokenKind, TokenStore

Question = dict[str, Any]
LIMIT: Final = 50
FLOOR: Final = Floor(100, at_most=True)
_WEEK: Final = 7 * 86_400_000_000


def lookup(run: Run) -> Iterator[Figure]:
    """Measure look-ups on a log made for it."""
    folder = run.folder("lookup") / "log"
    sealed_log.build(folder, run.pick(1_000_000, 50_000))
    yield from ask(folder, run.pick(500, 40))


def ask(folder: Path, queries: int) -> Iterator[Figure]:
    """Measure every kind of question on a log in a folder."""
    with open_log_database(folder) as database:
        size = LogStore(database).state().size
        token = TokenStore(database, now_us).issue(TokenKind.AUDITOR, "bench")[1]
    bytes_an_entry = sum((folder / name).stat().st_size for name in ("log.db", "keyring.db")) / size
    with served(folder) as place:
        for name, question in QUESTIONS.items():
            yield _measured(place, token, name, question, queries, size)
        yield Figure("memory of the serving process", _resident(place) / 1e6, "MB", {"entries": size})
    yield Figure("disk of an entry", bytes_an_entry, "bytes", {"entries": size, "of": "log.db and keyring.db"})


def _window(rng: Random) -> Question:
    start = now_us() - sealed_log.SPAN + rng.randrange(sealed_log.SPAN - _WEEK)
    return {"occurred_from": instant(start), "occurred_to": instant(start + _WEEK)}


def _actor(rng: Random) -> Question:
    rank = sealed_log.skewed(rng, sealed_log.ACTORS)
    return {"actor_type": "employee", "actor_id": sealed_log.actor_id(rank)}


def _subject(rng: Random) -> Question:
    return {"subject": sealed_log.subject_id(sealed_log.skewed(rng, sealed_log.SUBJECTS))}


def _target(rng: Random) -> Question:
    return {"target_type": "record", "target_id": sealed_log.target_id(rng.randrange(sealed_log.TARGETS))}


def _hottest(_rng: Random) -> Question:
    return {"actor_type": "employee", "actor_id": sealed_log.actor_id(0)}


def _act(rng: Random) -> Question:
    return {"action": rng.choice(sealed_log.ACTIONS), "outcome": rng.choice(["allowed", "denied", "failed"])}


QUESTIONS: Final[dict[str, Callable[[Random], Question]]] = {
    "actor in a week": lambda rng: _actor(rng) | _window(rng),
    "subject": _subject,
    "subject in a week": lambda rng: _subject(rng) | _window(rng),
    "target": _target,
    "action and outcome in a week": lambda rng: _act(rng) | _window(rng),
    "hottest actor in a week": lambda rng: _hottest(rng) | _window(rng),
    "a week": _window,
    "hottest actor and a subject": lambda rng: _hottest(rng) | _subject(rng),
    "hottest actor, source, denied, a week": lambda rng: (
        _hottest(rng) | {"source": rng.choice(sealed_log.SOURCES), "outcome": "denied"} | _window(rng)
    ),
    "no filter": lambda _rng: {},
}


def _measured(  # noqa: PLR0913, PLR0917 - a row of the table
    place: Place, token: str, name: str, question: Callable[[Random], Question], queries: int, size: int
) -> Figure:
    rng = Random(name)  # noqa: S311 - a load, not a secret
    address = urlsplit(place.log.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    times, found, short = [], 0, 0
    for _ in range(queries):
        body = json.dumps(question(rng) | {"limit": LIMIT})
        began = time.perf_counter()
        connection.request("POST", "/v1/entries/search", body, headers)
        answer = connection.getresponse()
        page = answer.read()
        times.append((time.perf_counter() - began) * 1e3)
        if answer.status != 200:
            raise RuntimeError(f"{name}: {answer.status} {page[:200]!r}")
        said = json.loads(page)
        found += len(said["entries"])
        short += len(said["entries"]) < LIMIT and said["next"] is not None
    connection.close()
    times.sort()
    seen = {"p50 ms": quantile(times, 0.5), "max ms": times[-1], "entries a page": found / queries, "cut short": short}
    settings = {"entries": size, "pages": queries, "limit": LIMIT}
    return Figure(f"look-up: {name}, p99", quantile(times, 0.99), "ms", settings, seen, FLOOR)


def _resident(place: Place) -> int:
    status = Path(f"/proc/{place.log.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--queries", type=int, default=500)
    chosen = parser.parse_args()
    for figure in ask(chosen.folder, chosen.queries):
        print(figure_text(figure), flush=True)
