"""Sets the scene: three witnesses and a log that knows them and is known to them, all real processes on loopback.

Order: the witnesses are made and served first, on free ports, so that `tlog init` can write their keys and
addresses into the policy; a running witness trusts a log from the moment of `add-log`; then the log is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tlog.cli.data_folder import DataFolder, open_log_database
from tlog.cli.demo.concurrent import all_of
from tlog.cli.demo.programs import TLOG, WITNESS, Program, Programs
from tlog.cli.demo.scenes import SOURCES
from tlog.cli.files import read_file
from tlog.formats.policy import Policy, parse_policy
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

ORIGIN: Final = "demo.example/audit-log"
WITNESSES: Final = ("w1", "w2", "w3")
QUORUM: Final = 2
AUDITOR: Final = "auditor"
VISITOR: Final = "visitor"
_PORT: Final = ("--port", "0", "--json")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, repr=False)
class Stage:
    """A running demo: its folder, programs, bearer tokens, and what an auditor trusts.

    `tokens` are the services', by source; `visitor` is for entries of the user's own.
    """

    folder: DataFolder
    log: Program
    witnesses: tuple[Program, ...]
    tokens: dict[str, str]
    visitor: str
    auditor: str
    policy: Policy

    def __repr__(self) -> str:
        return f"<Stage at {self.log.url}>"


@asynccontextmanager
async def set_stage(
    folder: Path, say: Say, prepare: Callable[[DataFolder], None] = lambda _: None
) -> AsyncIterator[Stage]:
    """Start everything in `folder`, which exists and is empty; stop it all at the end of the block.

    `prepare` may change the log's folder before it is served.
    Raises `ProgramFailed` for a program that ended or was not ready in time.
    """
    logs = folder / "stderr"
    logs.mkdir()
    async with Programs(logs) as programs:
        say("starting three witnesses and a log")
        witnesses = await all_of(_witness(programs, folder, name) for name in WITNESSES)
        data = DataFolder(folder / "log")
        await _init_log(programs, data, witnesses)
        await all_of(_trust(programs, folder, name, data) for name in WITNESSES)
        prepare(data)
        log = await programs.serve("log", [*TLOG, "serve", str(data.path), *_PORT])
        for program in (*witnesses, log):
            say(f"{program.name} is process {program.process.pid} at {program.url}")
        tokens, visitor, auditor = await asyncio.to_thread(_issue_tokens, data)
        yield Stage(data, log, witnesses, tokens, visitor, auditor, parse_policy(read_file(data.policy)))


async def _witness(programs: Programs, folder: Path, name: str) -> Program:
    path = str(folder / name)
    await programs.run(f"witness-{name}-init", [*WITNESS, "init", path, "--name", f"{name}.demo.example", "--json"])
    return await programs.serve(f"witness {name}", [*WITNESS, "serve", path, *_PORT])


RETENTION = (
    "standard=12:demo: a year of ordinary entries",
    "clinical=120:demo: ten years after treatment",
    "accounting=120:demo: ten years for books and vouchers",
    "short=3:demo: no longer than needed to find a fault",
)


async def _init_log(programs: Programs, data: DataFolder, witnesses: tuple[Program, ...]) -> None:
    argv = [*TLOG, "init", str(data.path), "--origin", ORIGIN, "--quorum", str(QUORUM), "--json"]
    for period in RETENTION:
        argv += ["--retention", period]
    for name, witness in zip(WITNESSES, witnesses, strict=True):
        argv += ["--witness", f"{name}={','.join(witness.ready['vkeys'])}@{witness.url}"]
    await programs.run("log-init", argv)


async def _trust(programs: Programs, folder: Path, name: str, data: DataFolder) -> None:
    first, second = (read_file(path).decode().strip() for path in data.vkeys)
    argv = [*WITNESS, "add-log", str(folder / name), first, "--vkey", second, "--json"]
    await programs.run(f"witness-{name}-add-log", argv)


def _issue_tokens(data: DataFolder) -> tuple[dict[str, str], str, str]:
    with open_log_database(data.path) as database:
        store = TokenStore(database, now_us)
        tokens = {source: store.issue(token_for(Role.WRITER, source))[1] for source in SOURCES}
        return tokens, store.issue(token_for(Role.WRITER, VISITOR))[1], store.issue(token_for(Role.AUDITOR, AUDITOR))[1]
