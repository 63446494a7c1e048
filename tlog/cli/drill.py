"""`tlog drill`: play the regulator, and see that records of three months ago are found and proved within seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from tlog.audit.entry import new_entry_id
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.drill_output import drill_text, drill_values, miss_of
from tlog.cli.files import read_file
from tlog.cli.options import AsJson
from tlog.cli.output import complain, emit, new_app
from tlog.cli.progress_bar import progress_bar
from tlog.client.client import LogClient
from tlog.client.drill import Drilled, DrillPlan, about, drill
from tlog.client.drill_result import MAX_RECORDS
from tlog.client.remote_desk import RemoteDesk
from tlog.errors import TlogError
from tlog.formats.policy import parse_policy

app = new_app()

MISSED: Final = 3

EXAMPLES = """\b
Examples:
  tlog drill --url https://log.example --token-file auditor.token --policy policy.txt
  tlog drill --policy policy.txt --records 20 --ago 180 --limit 2
  tlog drill --policy policy.txt --seed 7 --json

\b
Picks records at random from a week before to a week after the day so long ago,
or from the oldest days the log has. Each is looked up by what somebody would know
who asks for it (a person, a target, the day), proved, and verified in a separate
process that has only the policy: get that from somebody you trust. The result is
logged as an entry of the log. A row that is missing among the indices of these
days is a miss, whether or not it was picked.
Exit code 0: every record was found and verified within the limit, and no row is
missing. 3: a miss. 1: the drill could not be run, or not be logged.
Needs the token of an auditor or a data protection officer.
"""


@app.command(name="drill", epilog=EXAMPLES)
def run(
    url: Url,
    policy: Annotated[Path, typer.Option(help="A tlog-policy file: log keys, witnesses, quorum.", show_default=False)],
    records: Annotated[int, typer.Option(min=1, max=MAX_RECORDS, help="How many records to ask for.")] = 5,
    ago: Annotated[int, typer.Option(min=0, max=36_500, metavar="DAYS", help="How long ago they were received.")] = 90,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="How long one record may take.")] = 5,
    seed: Annotated[int | None, typer.Option(help="Pick as a run with this seed did.", show_default=False)] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Play the regulator: find, prove and verify random records of three months ago, by the clock."""
    if not 0 < limit <= 86_400:
        raise typer.BadParameter("from above 0 to 86400 seconds", param_hint="'--limit'")
    trusted = read_file(policy)
    parse_policy(trusted)  # says what is wrong with it before anything is asked
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    plan = DrillPlan(new_entry_id(), about(datetime.now(UTC).date(), ago), records, limit)
    rng = SystemRandom() if seed is None else Random(seed)  # noqa: S311 - a drill that can be repeated
    with _bar(records, hidden=as_json) as report:
        done, index, unlogged = asked(client, _drill(client, trusted, plan, rng, report))
    emit(drill_values(done, index), drill_text(done, index), as_json)
    _end(done, unlogged)


async def _drill(
    client: LogClient, policy: bytes, plan: DrillPlan, rng: Random, report: Callable[[int], None]
) -> tuple[Drilled, int | None, TlogError | None]:
    """Run a drill and have it logged; return the index of its entry, or why there is none."""
    desk = RemoteDesk(client, policy)
    done = await drill(desk, plan, monotonic, rng, report)
    try:
        return done, (await desk.log(done.result)).index, None
    except TlogError as error:
        return done, None, error


def _end(done: Drilled, unlogged: TlogError | None) -> None:
    """Say on stderr what was missed, and exit accordingly."""
    why = [] if unlogged is None else [f"the result could not be logged: {unlogged}"]
    if not done.result.passed:
        missed = [f"entry {index}: {reason}" for index, reason in sorted(done.reasons.items())]
        complain(miss_of(done.result), [*missed, *why])
        raise typer.Exit(MISSED)
    if why:
        complain(why[0])
        raise typer.Exit(1)


@contextmanager
def _bar(records: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn())
    with progress_bar(*columns, hidden=hidden, transient=True) as bar:
        task = bar.add_task("", total=records)
        yield lambda done: bar.update(task, completed=done)
