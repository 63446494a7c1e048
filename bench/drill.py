"""The drill: `tlog drill` of 20 records on a log of a million entries, a process against a served log.

`python -m bench.drill DIR` drills a log that `bench.sealed_log` made; `python -m bench drill` makes its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench import sealed_log
from bench.figure import Figure, Floor
from bench.place import Place, served
from bench.quantile import quantile
from bench.report import figure_text
from bench.run import Run
from tests.interop.served_log import request
from tests.processes import TLOG, run_json
from tlog.cli.data_folder import open_log_database
from tlog.client.drill import WINDOW_DAYS
from tlog.service.log_parts import now_us
from tlog.storage.log_store import LogStore
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

RECORDS: Final = 20
WINDOWS: Final = 20
FLOOR: Final = Floor(5_000, at_most=True)
_START_SECONDS: Final = 3_600


def drill(run: Run) -> Iterator[Figure]:
    """Measure a drill on a log made for it."""
    folder = run.folder("drill") / "log"
    sealed_log.build(folder, run.pick(1_000_000, 20_000))
    yield from ask(folder)


def ask(folder: Path) -> Iterator[Figure]:
    """Measure a drill on a log in a folder, after its first start, which makes the tiles."""
    token = folder.parent / "drill.token"
    with open_log_database(folder) as database:
        size = LogStore(database).state().size
        text = TokenStore(database, now_us).issue(token_for(Role.AUDITOR, "bench"))[1]
    token.touch(mode=0o600)
    token.write_text(text)
    with served(folder, _START_SECONDS) as place:
        place.wait_published(size, _START_SECONDS)
        yield _window(place, text, size)
        began = time.perf_counter()
        said = run_json([*TLOG, "drill", *_options(place, token)])
        yield from _figures(said, size)
        yield Figure("drill: the whole command", time.perf_counter() - began, "s", {"records": RECORDS})


def _options(place: Place, token: Path) -> list[str]:
    options = ["--url", place.log.url, "--token-file", str(token), "--policy", str(place.folder / "policy.txt")]
    return [*options, "--records", str(RECORDS), "--json"]


def _window(place: Place, token: str, size: int) -> Figure:
    """Return how long the log needs to say which indices there are, and that no row is missing."""
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 90 * 86_400))
    times = []
    for _ in range(WINDOWS):
        began = time.perf_counter()
        path = f"{place.log.url}/v1/drills/window?around={day}&days={WINDOW_DAYS}"
        status, answer = request("GET", path, headers={"Authorization": f"Bearer {token}"})
        times.append(1000 * (time.perf_counter() - began))
        if status != 200:
            raise ValueError(f"no window: {answer!r}")
    return _of("drill: window of 15 days", times, {"entries": size})


def _figures(said: dict[str, Any], size: int) -> Iterator[Figure]:
    settings = {"entries": size, "records": RECORDS, "window": said["last"] - said["first"] + 1}
    for step in ("find", "evidence", "verify"):
        yield _of(f"drill: {step}", [record[f"{step}_ms"] for record in said["records"]], settings)
    yield _of("drill: a record", [record["total_ms"] for record in said["records"]], settings, FLOOR)


def _of(name: str, times: Sequence[float], settings: dict[str, Any], floor: Floor | None = None) -> Figure:
    ordered = sorted(times)
    return Figure(f"{name}, max", ordered[-1], "ms", settings, {"p50": quantile(ordered, 0.5)}, floor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    for figure in ask(parser.parse_args().folder):
        print(figure_text(figure), flush=True)
