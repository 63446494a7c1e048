"""`tlog hold`: keep entries from erasure and expiry, and let them go again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from msgspec import Struct

from tlog.cli.checks import check_ground, check_kind, check_time, in_option_names
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.id_input import id_in
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app, notice
from tlog.client.answers import decode
from tlog.client.erasing import ActSaid
from tlog.client.words import counted, waiting

T = TypeVar("T")
OPTIONS: Final = {
    "authorised_by": "--authorised-by",
    "occurred_from": "--from",
    "occurred_to": "--to",
    "by_case": "--by-case",
    **{name: f"--{name}" for name in ("kind", "case", "reason", "ground", "subject", "source", "hold")},
}
"""What the log calls an option, and what the command line does."""

EXAMPLES = """\b
Examples:
  tlog hold place --case C-17/26 --subject-file id.txt --reason "claim of 3 May" --authorised-by "D. Officer"
  tlog hold place --case C-18/26 --source clinic --from 2026-03-01 --to 2026-04-01 --reason … --authorised-by …
  tlog hold place --case C-19/26 --by-case --kind art-17-3 --ground e --reason … --authorised-by …
  tlog hold list --json
  tlog hold lift --case C-17/26 --reason "settled" --authorised-by "D. Officer"
What is held can't be erased; under a legal-hold it does not expire either. All that is given of a scope must fit.
Needs the token of a data protection officer; the URL may come from $TLOG_URL.
"""

app = new_app(help="Place, list and lift legal holds.", epilog=EXAMPLES)

Case = Annotated[str | None, typer.Option(metavar="NUMBER", help="Reference of the case.", show_default=False)]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)]
AuthorisedBy = Annotated[str, typer.Option(metavar="NAME", help="Who decided it.", show_default=False)]


class HoldSaid(Struct, frozen=True):
    """A hold as the log answers it."""

    hold: int
    act: str
    kind: str
    case: str
    reason: str
    ground: str | None
    authorised_by: str
    on_subject: bool
    source: str | None
    occurred_from: str | None
    occurred_to: str | None
    by_case: bool
    placed_at: str
    lifted_at: str | None
    lift_reason: str | None = None
    lift_authorised_by: str | None = None
    entries: int | None = None
    entries_or_more: bool = False


class HoldsSaid(Struct, frozen=True):
    """What `GET /v1/holds` answers."""

    holds: list[HoldSaid]


class LiftSaid(Struct, frozen=True):
    """What `POST /v1/holds/lift` answers."""

    acts: list[ActSaid]
    holds: list[HoldSaid] = []


@app.command(epilog=EXAMPLES)
def place(
    url: Url,
    case: Annotated[str, typer.Option(metavar="NUMBER", help="Reference of the case.", show_default=False)],
    reason: Reason,
    authorised_by: AuthorisedBy,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Entries of this person.")] = None,
    subject_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with the id; - is stdin.")] = None,
    source: Annotated[str | None, typer.Option(help="Entries of this source.")] = None,
    occurred_from: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="That happened from here", callback=check_time)
    ] = None,
    occurred_to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="and before this.", callback=check_time)
    ] = None,
    by_case: Annotated[bool, typer.Option("--by-case", help="That name the case as target or correlation id.")] = False,
    kind: Annotated[
        str, typer.Option(help="legal-hold, or art-17-3: stops erasure only.", callback=check_kind)
    ] = "legal-hold",
    ground: Annotated[
        str | None, typer.Option(help="a to e of Art. 17(3), with art-17-3.", callback=check_ground)
    ] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep entries. In force when the command returns."""
    if subject is not None and subject_file is not None:
        raise typer.BadParameter("give one of --subject and --subject-file")
    if not (by_case or any(given is not None for given in (subject, subject_file, source, occurred_from, occurred_to))):
        raise typer.BadParameter("a hold needs a scope: --subject, --subject-file, --source, --from, --to or --by-case")
    if (kind == "art-17-3") != (ground is not None):
        raise typer.BadParameter("--ground belongs to --kind art-17-3, and only to it")
    body = {
        "kind": kind,
        "case": case,
        "reason": reason,
        "authorised_by": authorised_by,
        "ground": ground,
        "subject": subject if subject_file is None else id_in(subject_file),
        "source": source,
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
        "by_case": by_case,
    }
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    given = {name: value for name, value in body.items() if value is not None}
    with in_option_names(**OPTIONS):
        said = decode(asked(client, client.post_json("v1/holds", given)), HoldSaid)
    emit(msgspec.to_builtins(said), f"{_line(said)}\n{_covered(said)}", as_json)
    if said.entries == 0:
        notice("this hold covers no entry yet: is its scope what was meant? It protects what comes later")


@app.command("list", epilog=EXAMPLES)
def list_(
    url: Url,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are lifted.")] = False,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """List the holds in force."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    query = {"all": "1"} if everything else {}
    said = decode(asked(client, client.get_json("v1/holds", query)), HoldsSaid)
    emit(msgspec.to_builtins(said), "\n".join(map(_line, said.holds)) or "nothing is held", as_json)


@app.command(epilog=EXAMPLES)
def lift(
    url: Url,
    reason: Reason,
    authorised_by: AuthorisedBy,
    hold: Annotated[int | None, typer.Option(metavar="N", help="Number of the hold.", show_default=False)] = None,
    case: Case = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Lift one hold, or all of a case. Where a second person must agree, 'tlog act approve ACT' does."""
    if (hold is None) == (case is None):
        raise typer.BadParameter("give one of --hold and --case")
    which: dict[str, object] = {"case": case} if hold is None else {"hold": hold}
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    work = client.post_json("v1/holds/lift", {**which, "reason": reason, "authorised_by": authorised_by})
    with in_option_names(**OPTIONS):
        said = decode(asked(client, work), LiftSaid)
    emit(msgspec.to_builtins(said), "\n".join([*map(_line, said.holds), *map(_act, said.acts)]), as_json)


def _act(act: ActSaid) -> str:
    return f"{act.act}  {act.state}" + f"  {waiting(act.act)}" * (act.state == "pending")


def _covered(hold: HoldSaid) -> str:
    if hold.entries is None:
        return "it was not counted how many entries it covers"
    more = " or more" * bool(hold.entries_or_more)
    return f"covers {counted(hold.entries, 'entry', 'entries')}{more} now"


def _line(hold: HoldSaid) -> str:
    scope = [
        "one subject" if hold.on_subject else "",
        f"source {hold.source}" if hold.source else "",
        f"from {hold.occurred_from}" if hold.occurred_from else "",
        f"before {hold.occurred_to}" if hold.occurred_to else "",
        "naming the case" if hold.by_case else "",
    ]
    ground = f" ({hold.ground})" if hold.ground else ""
    state = f"lifted {hold.lifted_at[:10]}" if hold.lifted_at else f"since {hold.placed_at[:10]}"
    covers = ", ".join(part for part in scope if part)
    lifted = f"; lifted: {hold.lift_reason} ({hold.lift_authorised_by})" if hold.lift_reason else ""
    said = f"case {hold.case}: {covers}; {hold.reason} ({hold.authorised_by}){lifted}"
    return f"{hold.hold}  {hold.kind}{ground}  {state}  {said}"
