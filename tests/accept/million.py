"""What a log of a million entries is promised to do. It is built in some minutes, through the log's own code.

How fast it answers is measured on the way and printed, and judged by nobody: other programs may run here too. Only the
drill fails beyond its own limit of 5 s a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from bench import lookup, pages, sealed_log
from bench.figure import Figure
from bench.place import Place
from tests.accept.drilling import MISSED, RECORDS, drill, remove_one, token_file, wait_published
from tests.accept.promises import shows
from tests.town import Town, town
from tlog.cli.data_folder import open_log_database
from tlog.service.log_parts import now_us
from tlog.storage.token_store import TokenStore

ENTRIES = 1_000_000
START_SECONDS = 900
QUESTIONS = 40
LOOKS = 20


@shows("a-million-is-drilled")
def a_million_is_drilled(folder: Path) -> str:
    """Fill a town's log with a year of a million entries, ask it, drill it, and drill it again without one row."""
    with town(folder, requests_per_second=1e6, request_burst=1_000_000) as place:
        assert place.log.stop() == 0
        sealed_log.build(place.log_folder, ENTRIES)
        place.restart_log(seconds=START_SECONDS)
        wait_published(place, ENTRIES, START_SECONDS)
        asked = _slowest(lookup.answers(_place(place), place.auditor, ENTRIES, QUESTIONS))
        looked = _slowest(_pages(place))
        token = token_file(folder, place)
        passed = drill(place, token, 0)
        times = sorted(record["total_ms"] for record in passed["records"])
        assert (passed["missed"], len(times)) == (0, RECORDS)
        gone = remove_one(place, passed)
        missed = drill(place, token, MISSED, "--records", "1")
        assert (missed["ok"], missed["first_missing"]) == (False, [gone])
    return (
        f"{RECORDS} records of {ENTRIES:,} over {sealed_log.SPAN // 86_400_000_000} days, median "
        f"{times[RECORDS // 2]:.0f} ms, slowest {times[-1]:.0f} ms; a removed row is named, exit {MISSED}. "
        f"Slowest of the look-ups: {asked}; of the pages: {looked}"
    )


def _place(place: Town) -> Place:
    return Place(place.log_folder, place.log, ("Authorization", f"Bearer {place.token}"))


def _pages(place: Town) -> list[Figure]:
    with open_log_database(place.log_folder) as database:
        officer, admin = pages.readers(TokenStore(database, now_us))
    return asyncio.run(pages.answers(place.log.url, officer, admin, ENTRIES, LOOKS))


def _slowest(figures: Iterable[Figure]) -> str:
    slowest = max(figures, key=lambda figure: figure.value)
    return f"{slowest.name} {slowest.value:.0f} {slowest.unit}"
