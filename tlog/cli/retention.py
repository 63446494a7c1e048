"""`tlog retention`: what expires when, and expiring at once what is due."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
import typer
from msgspec import Struct

from tlog.cli.checks import check_day, in_option_names
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.answers import decode
from tlog.client.erasing import ActSaid
from tlog.client.words import counted, waiting

T = TypeVar("T")

EXAMPLES = """\b
Examples:
  tlog retention plan --url https://log.example --token-file dpo.token
  tlog retention plan --until 2027-12-31 --json
  tlog retention run --authorised-by "D. Officer"
The running log expires by itself what is due; 'run' does not wait for its next turn. After a restore nothing expires
by itself: place again the holds that were placed since the backup, then 'run' has it go on.
Periods are set in DIR/tlog.toml. Needs the token of a data protection officer.
"""
app = new_app(help="Show what expires when, and expire what is due.", epilog=EXAMPLES)


class CohortSaid(Struct, frozen=True):
    """A cohort of the plan."""

    cohort: str
    retention: str
    months: int | None
    reason: str | None
    expires_at: str | None
    entries: int
    held: int | None
    due: bool


class PauseSaid(Struct, frozen=True):
    """Why nothing expires by itself."""

    since: str
    reason: str


class PlanSaid(Struct, frozen=True):
    """What `GET /v1/retention` answers."""

    until: str
    paused: PauseSaid | None
    cohorts: list[CohortSaid]


class RunSaid(Struct, frozen=True):
    """What `POST /v1/retention/run` answers."""

    acts: list[ActSaid]


@app.command(epilog=EXAMPLES)
def plan(
    url: Url,
    until: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Up to this day; default 90 days.", callback=check_day)
    ] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Show which cohorts expire, when and why. Changes nothing."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    query = {} if until is None else {"until": until}
    said = decode(asked(client, client.get_json("v1/retention", query)), PlanSaid)
    lines = [_line(cohort) for cohort in said.cohorts] or ["nothing expires"]
    emit(msgspec.to_builtins(said), "\n".join([*_paused(said.paused), f"up to {said.until[:10]}:", *lines]), as_json)


@app.command(epilog=EXAMPLES)
def run(
    url: Url,
    authorised_by: Annotated[str, typer.Option(metavar="NAME", help="Who decided it.", show_default=False)],
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Expire now what is due, and end a pause. Where a second person must agree, 'tlog act approve ACT' does."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    work = client.post_json("v1/retention/run", {"authorised_by": authorised_by})
    with in_option_names(authorised_by="--authorised-by"):
        said = decode(asked(client, work), RunSaid)
    emit(msgspec.to_builtins(said), "\n".join(map(_act, said.acts)) or "nothing is due", as_json)


def _paused(pause: PauseSaid | None) -> list[str]:
    if pause is None:
        return []
    since = f" since {pause.since[:19]}" if pause.since else ""
    return [
        f"paused{since}, nothing expires by itself: {pause.reason}",
        "place missing holds, then 'tlog retention run'",
    ]


def _what(act: ActSaid) -> str:
    if act.kind == "resume-expiry":
        return "expiry goes on by itself"
    return counted(act.entries or 0, "entry", "entries")


def _act(act: ActSaid) -> str:
    line = f"{act.act}  {act.state}  {_what(act)}"
    return f"{line}  {waiting(act.act)}" if act.state == "pending" else line


def _line(cohort: CohortSaid) -> str:
    when = "never: its class has no period" if cohort.expires_at is None else cohort.expires_at[:10]
    held = f", {cohort.held} held" if cohort.held else ""
    due = " (due)" if cohort.due else ""
    if cohort.due and cohort.held and not cohort.entries:
        due = " (due, waits for the hold)"
    why = "" if cohort.reason is None else f"  {counted(cohort.months or 0, 'month')}: {cohort.reason}"
    return f"{when}{due}  {cohort.cohort}  {counted(cohort.entries, 'entry', 'entries')}{held}{why}"
