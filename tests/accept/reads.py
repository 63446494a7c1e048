"""A read is an entry: where that can't be written, nothing is shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.accept.promises import shows
from tests.chaos.rollback import copy_database, lines, put_back, require_halted
from tests.support import entry_document
from tests.town import Town, town

WORDS = ("xylophone", "quetzal", "marmalade")
PRIVATE = {
    "purpose": f"treatment {WORDS[0]}",
    "subjects": [{"id": f"p-{WORDS[1]}", "data": {"fields": [WORDS[2]]}}],
}
READS = ("/v1/entries/0", "/v1/entries?limit=5", "/v1/entries/0/evidence?disclose=all", "/v1/access?index=0")
PROOFS = ("/checkpoint", "/v1/entries/0/proof", "/v1/proofs/inclusion?index=0", "/v1/checkpoints")


@shows("unlogged-read-is-refused")
def unlogged_read_is_refused(folder: Path) -> str:
    """Keep the log from writing, by a lock on its database and by a restored one, and try to read."""
    with town(folder, checkpoint_interval=0.1) as place:
        place.append(json.dumps(entry_document(**PRIVATE)).encode(), "?wait=witnessed")
        assert all(word in shown(place) for word in WORDS), "an auditor reads it"
        copy_database(place, folder / "yesterday.db")
        with locked(place):
            refused = require_refused(place)
            require_public(place, PROOFS)
        assert all(word in shown(place) for word in WORDS), "it can be read again"
        place.append(lines(3), "?wait=witnessed")
        place.log.kill()
        put_back(place, folder / "yesterday.db")
        place.restart_log()
        require_halted(place.log, place)
        refused += require_refused(place)
        require_public(place, PROOFS)
    why = "its database locked, then rolled back"
    return f"{refused} reads ({why}): 503 not-logged, no word of the entry; {len(PROOFS)} public routes went on"


def require_refused(place: Town) -> int:
    """Every read is refused, all at once, and its answer holds nothing of the entry."""
    with ThreadPoolExecutor(len(READS)) as pool:
        answers = list(pool.map(lambda path: place.get(path, place.auditor), READS))
    for status, answer in answers:
        assert (status, b"not-logged" in answer) == (503, True), answer
        assert not any(word.encode() in answer for word in WORDS), answer
    return len(answers)


def require_public(place: Town, paths: tuple[str, ...]) -> None:
    for path in paths:
        status, answer = place.get(path)
        assert status == 200, (path, answer)


def shown(place: Town) -> str:
    status, answer = place.get("/v1/entries/0", place.auditor)
    assert status == 200, answer
    return answer.decode()


@contextmanager
def locked(place: Town) -> Iterator[None]:
    """Hold the database's write lock, so that the log can read and not write."""
    connection = sqlite3.connect(place.log_folder / "log.db", isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
