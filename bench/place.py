"""Where a figure is measured: a log and its witnesses, real processes on loopback, made by what `tlog init` calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.generator import LoadFailed
from tests.interop.served_log import request
from tests.processes import Program, start
from tests.town import SOURCE, log_command, town
from tlog.cli.config import Config, encode_config
from tlog.cli.data_folder import DataFolder, open_log_database, read_config
from tlog.cli.new_folder import make_folder
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import parse_note
from tlog.formats.policy import NONE, Policy
from tlog.service.log_parts import now_us
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

ORIGIN = "example.com/bench"


@dataclass(frozen=True, slots=True)
class Place:
    """A served log, and the Authorization header of a source that may append to it."""

    folder: Path
    log: Program
    authorization: tuple[str, str]

    def published(self) -> int:
        """Return the size of the checkpoint it serves, -1 without one."""
        status, note = request("GET", f"{self.log.url}/checkpoint")
        return parse_checkpoint(parse_note(note).text).size if status == 200 else -1

    def wait_published(self, size: int, seconds: float = 120) -> float:
        """Wait for a served checkpoint of at least `size`; return how long it took. Raises `LoadFailed`."""
        began = time.perf_counter()
        while self.published() < size:
            if time.perf_counter() - began > seconds or not self.log.alive():
                raise LoadFailed(f"no checkpoint of {size} leaves was published: {self.log.stderr()[-2000:]}")
            time.sleep(0.02)
        return time.perf_counter() - began


@contextmanager
def new_log(folder: Path, witnesses: int = 0, quorum: int = 0, **settings: Any) -> Iterator[Place]:
    """Make and serve a new log below `folder` whose policy needs `quorum` of `witnesses` (0: the quorum `none`)."""
    if witnesses:
        with town(folder, witnesses=witnesses, quorum=quorum, **settings) as place:
            yield Place(place.log_folder, place.log, _bearer(place.token))
        return
    make_log(folder / "log", **settings)
    with served(folder / "log") as single:
        yield single


def make_log(folder: Path, **settings: Any) -> None:
    """Make the folder of a log without witnesses."""
    make_folder(folder, Config(ORIGIN, settings=LogSettings(**settings)), Policy((), (), (), NONE))


def let_everybody_ask(folder: Path) -> None:
    """Lift the bound on how often one token asks, in the folder's settings: one here asks for thousands of people."""
    data = DataFolder(folder)
    config = read_config(data)
    settings = replace(config.settings, requests_per_second=1e6, request_burst=1_000_000)
    data.config.write_text(encode_config(replace(config, settings=settings)), encoding="utf-8")


@contextmanager
def served(folder: Path, seconds: float = 300) -> Iterator[Place]:
    """Serve a log that exists; it has this long to become ready."""
    with open_log_database(folder) as database:
        token = TokenStore(database, now_us).issue(token_for(Role.WRITER, SOURCE))[1]
    with closing(start(log_command(folder), seconds=seconds)) as program:
        yield Place(folder, program, _bearer(token))


def _bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"
