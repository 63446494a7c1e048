"""Look-ups over HTTP: the time to the first page of 50 decrypted entries, one client, one question at a time.

Each question is an entry of the log's own that is durable before it is answered: the time has that in it.

`python -m bench.lookup DIR` asks a log that `bench.sealed_log` made, and lifts the bound on how often one token asks in
its settings; `python -m bench lookup` makes its own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from bench import sealed_log
from bench.figure import Figure, Floor
from bench.place import Place, let_everybody_ask, served
from bench.quantile import quantile
from bench.report import figure_text
from bench.run import Run
from tlog.audit.entry import Entry
from tlog.audit.fields import instant
from tlog.cli.data_folder import open_log_database
from tlog.service.log_parts import now_us
from tlog.storage.log_store import LogStore
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

Question = dict[str, Any]
LIMIT: Final = 50
FLOOR: Final = Floor(100, at_most=True)
_DAY: Final = 86_400_000_000
_WEEK: Final = 7 * _DAY
_START_SECONDS: Final = 3_600


def lookup(run: Run) -> Iterator[Figure]:
    """Measure look-ups on a log made for it."""
    folder = run.folder("lookup") / "log"
    sealed_log.build(folder, run.pick(1_000_000, 50_000))
    yield from ask(folder, run.pick(200, 40), run.pick(20, 5))


def ask(folder: Path, queries: int, cold: int = 0) -> Iterator[Figure]:
    """Measure every kind of question on a log in a folder; `cold` of each with the log's files out of the page cache.

    The first start of a log that was built but never served makes its tiles: the questions wait for that.
    """
    with open_log_database(folder) as database:
        size = LogStore(database).state().size
        token = TokenStore(database, now_us).issue(token_for(Role.AUDITOR, "bench"))[1]
    let_everybody_ask(folder)
    began = time.perf_counter()
    with served(folder, _START_SECONDS) as place:
        place.wait_published(size, _START_SECONDS)
        seconds = time.perf_counter() - began
        yield Figure("start until everything is published", seconds, "s", {"entries": size})
        yield from answers(place, token, size, queries, cold)
        yield Figure("memory of the serving process", _resident(place) / 1e6, "MB", {"entries": size})
    for file in ("log.db", "keyring.db"):
        yield Figure(f"disk of an entry, {file}", (folder / file).stat().st_size / size, "bytes", {"entries": size})


def answers(place: Place, token: str, size: int, queries: int, cold: int = 0) -> Iterator[Figure]:
    """Measure every kind of question on a log that is served, whose settings let one token ask as fast."""
    rng = Random(size)  # noqa: S311 - a load, not a secret
    known = sealed_log.some_entries(size, 20, rng)
    for name, question in QUESTIONS.items():
        asker = Asker(place, token, [question(rng, rng.choice(known)) for _ in range(queries)])
        yield asker.figure(name, {"entries": size})
        if cold:
            yield asker.figure(f"cold, {name}", {"entries": size}, cold)


def _week(start: int) -> Question:
    return {"occurred_from": instant(start), "occurred_to": instant(start + _WEEK)}


def _window(rng: Random) -> Question:
    return _week(now_us() - sealed_log.SPAN + rng.randrange(sealed_log.SPAN - _WEEK))


def _long_ago(rng: Random) -> Question:
    return _week(now_us() - 300 * _DAY - rng.randrange(_WEEK))


def _actor(entry: Entry) -> Question:
    return {"actor_type": entry.actor.type, "actor_id": entry.actor.id}


def _subject(entry: Entry) -> Question:
    return {"subject": entry.subjects[0].id}


def _target(entry: Entry) -> Question:
    return {"target_type": entry.targets[0].type, "target_id": entry.targets[0].id}


def _act(entry: Entry) -> Question:
    return {"action": entry.action, "outcome": entry.outcome}


_HOTTEST: Final[Question] = {"actor_type": "employee", "actor_id": sealed_log.actor_id(0)}

# A question about an entry that the log has, so that what is asked for exists (in a window: perhaps not there).
QUESTIONS: Final[dict[str, Callable[[Random, Entry], Question]]] = {
    "actor in a week": lambda rng, entry: _actor(entry) | _window(rng),
    "subject": lambda _, entry: _subject(entry),
    "subject in a week": lambda rng, entry: _subject(entry) | _window(rng),
    "target": lambda _, entry: _target(entry),
    "action and outcome in a week": lambda rng, entry: _act(entry) | _window(rng),
    "hottest actor in a week": lambda rng, _: _HOTTEST | _window(rng),
    "hottest actor, ten months ago": lambda rng, _: _HOTTEST | _long_ago(rng),
    "a week": lambda rng, _: _window(rng),
    "hottest actor and a subject": lambda _, entry: _HOTTEST | _subject(entry),
    "hottest actor, source, denied, week": lambda rng, entry: (
        _HOTTEST | {"source": entry.source, "outcome": "denied"} | _window(rng)
    ),
    "no filter": lambda _, __: {},
}


class Asker:
    """Asks questions of a served log, one after the other, over one connection."""

    def __init__(self, place: Place, token: str, questions: Sequence[Question]) -> None:
        self._place = place
        self._questions = [json.dumps(question | {"limit": LIMIT}) for question in questions]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def figure(self, name: str, settings: dict[str, Any], cold: int = 0) -> Figure:
        """Ask all, or the first `cold`, before each of which the log's files are dropped from the page cache."""
        address = urlsplit(self._place.log.url)
        times, found, short = [], 0, 0
        with closing(HTTPConnection(address.hostname or "", address.port, timeout=60)) as connection:
            for question in self._questions[: cold or None]:
                if cold:
                    _forget_pages(self._place.folder)
                began = time.perf_counter()
                said = self._ask(connection, question)
                times.append((time.perf_counter() - began) * 1e3)
                found += len(json.loads(said)["entries"])
                short += len(json.loads(said)["entries"]) < LIMIT and json.loads(said)["next"] is not None
        times.sort()
        count = len(times)
        seen = {
            "p50 ms": quantile(times, 0.5),
            "max ms": times[-1],
            "entries a page": found / count,
            "cut short": short,
        }
        settings = settings | {"pages": count, "limit": LIMIT}
        return Figure(f"look-up: {name}, p99", quantile(times, 0.99), "ms", settings, seen, None if cold else FLOOR)

    def _ask(self, connection: HTTPConnection, question: str) -> bytes:
        connection.request("POST", "/v1/entries/search", question, self._headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{question}: {answer.status} {said[:200]!r}")
        return said


def _forget_pages(folder: Path) -> None:
    """Drop the databases' pages from the kernel's cache; SQLite's own of 8 MiB a connection stays."""
    for name in ("log.db", "keyring.db"):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())  # else what is not written yet stays
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _resident(place: Place) -> int:
    status = Path(f"/proc/{place.log.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--cold", type=int, default=50, help="of each kind, with the databases out of the page cache")
    chosen = parser.parse_args()
    for figure in ask(chosen.folder, chosen.queries, chosen.cold):
        print(figure_text(figure), flush=True)
