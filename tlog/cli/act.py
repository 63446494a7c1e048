"""`tlog act`: acts of every kind, and the second person's word on those that wait for one."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
import typer

from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.act_words import STATES, act_details, act_in_words
from tlog.client.erasing import ActSaid, decide, read_act, read_acts
from tlog.client.words import counted

T = TypeVar("T")

EXAMPLES = """\b
Examples:
  tlog act list --state pending --url https://log.example --token-file dpo.token
  tlog act list --kind expiry --json
  tlog act show 01a20642-cbbc-728e-bf2b-3ea96f9ffe23
  tlog act approve 01a20642-cbbc-728e-bf2b-3ea96f9ffe23
  tlog act decline 01a20642-cbbc-728e-bf2b-3ea96f9ffe23
An act is an erasure, an expiry, a hold or the lift of one, or a grant of access. Where two persons are wanted, it is
pending until another one than asked approves it: list and show say what it would do, who asked and why, and show counts
how many entries it would reach. Needs the token of a data protection officer, for a grant that of an admin; the URL may
come from $TLOG_URL.
"""

app = new_app(help="List acts of every kind; approve or decline as the second person.", epilog=EXAMPLES)

Kind = Literal["erasure", "expiry", "hold", "lift", "resume-expiry", "grant"]
State = Literal["pending", "begun", "applied", "done", "declined", "overtaken", "refused"]
ActId = Annotated[str, typer.Argument(metavar="ACT", help="The act's id.", show_default=False)]


@app.command("list", epilog=EXAMPLES)
def list_(
    url: Url,
    kind: Annotated[Kind | None, typer.Option(help="Only acts of this kind.", show_default=False)] = None,
    state: Annotated[State | None, typer.Option(help="Only acts in this state.", show_default=False)] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """List the last fifty acts, the newest first."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    page = asked(client, read_acts(client, kind, state))
    emit(msgspec.to_builtins(page), "\n".join(map(_told, page.acts)) or "no such acts", as_json)


@app.command(epilog=EXAMPLES)
def show(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an act does, on whose word, and how far it is."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    _emit(asked(client, read_act(client, act)), as_json)


@app.command(epilog=EXAMPLES)
def approve(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Have an act carried out that another person asked for."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    _emit(asked(client, decide(client, act, "approve")), as_json)


@app.command(epilog=EXAMPLES)
def decline(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Have an act not carried out."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    _emit(asked(client, decide(client, act, "decline")), as_json)


def extent(act: ActSaid) -> str:
    """Return the end of an act's line: how much it reached, and the entry that logs it."""
    entries, parts = counted(act.entries or 0, "entry", "entries"), counted(act.parts or 0, "part")
    counts = "" if act.entries is None else f"  {entries}, {parts}"
    where = "" if act.index is None else f"  entry {act.index}"
    return f"{counts}{where}"


def _emit(act: ActSaid, as_json: bool) -> None:
    means = f"    {act.state}: {STATES.get(act.state, act.state)}"
    emit(msgspec.to_builtins(act), f"{_told(act)}\n{means}", as_json)


def _told(act: ActSaid) -> str:
    """Return an act's line, and below it what is told of one that is not done yet."""
    if act.said is None:
        return _line(act)
    what = f"    {act_in_words(act.kind, act.said)}"
    details = [f"    {label}: {text}" for label, text in act_details(act.kind, act.said)]
    return "\n".join([_line(act), what, *details])


def _line(act: ActSaid) -> str:
    return f"{act.requested_at[:19]}Z  {act.kind:<7}  {act.state:<8}  {act.act}{extent(act)}"
