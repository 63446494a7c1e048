"""`tlog erase`: forget one person, and see to the erasures that others asked for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from tlog.cli.act import ActId, extent
from tlog.cli.checks import in_option_names
from tlog.cli.confirm import confirmed
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.id_input import id_in
from tlog.cli.options import AsJson
from tlog.cli.output import emit, failed, new_app, notice
from tlog.cli.progress_bar import progress_bar
from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.client.erasing import ActSaid, ErasureSaid, ErasuresSaid, ask_erasure, decide, read_act, until_ended
from tlog.client.words import counted

OPTIONS: Final = {
    "legal_basis": "--legal-basis",
    "authorised_by": "--authorised-by",
    "even_damaged": "--even-damaged",
    **{name: f"--{name}" for name in ("subject", "actor", "reason")},
}
"""What the log calls an option, and what the command line does."""

_OWN: Final = (
    "a part is what an entry says of one person, or of what it was about\n"
    "who looked at which entries stays, as entries of the log; by this person's id it is not found any more"
)

EXAMPLES = """\b
Examples:
  tlog erase --subject-file id.txt --legal-basis "GDPR Art. 17(1)(b)" --authorised-by "D. Officer"
  tlog erase --subject-file - --legal-basis "…" --authorised-by "…" --yes < id.txt
  tlog erase --actor employee e-1007 --dry-run
  tlog erase list
  tlog erase approve 01a20642-cbbc-728e-bf2b-3ea96f9ffe23
It shows first what would be erased, and asks. An id given by --subject stands in the shell's history. Needs the
token of a data protection officer; the URL may come from $TLOG_URL.
"""

app = new_app(invoke_without_command=True, subcommand_metavar="[COMMAND]")

Subject = Annotated[str | None, typer.Option(metavar="ID", help="Whose data, by id.", show_default=False)]
SubjectFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File with the id on one line; - is stdin.", show_default=False)
]
Actor = Annotated[
    tuple[str, str] | None, typer.Option(metavar="TYPE ID", help="Who acted, instead.", show_default=False)
]


@app.callback(epilog=EXAMPLES)
def erase(
    context: typer.Context,
    subject: Subject = None,
    subject_file: SubjectFile = None,
    actor: Actor = None,
    legal_basis: Annotated[str | None, typer.Option(metavar="TEXT", help="Why it must go.")] = None,
    authorised_by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decided it.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="More about it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")] = False,
    even_damaged: Annotated[bool, typer.Option("--even-damaged", help="Also where an entry does not open.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Annotated[str | None, typer.Option(help="The log's URL.", envvar="TLOG_URL", show_default=False)] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase one person, as a data subject or as an actor; or name a command."""
    if context.invoked_subcommand is not None:
        return
    authority = {"--legal-basis": legal_basis, "--authorised-by": authorised_by}
    address = _needed({"--url": url} if dry_run else {**authority, "--url": url})["--url"]
    if not (dry_run or yes or sys.stdin.isatty()):
        raise typer.BadParameter("without a terminal to ask on, --yes or --dry-run is needed")
    texts = {"legal_basis": legal_basis, "authorised_by": authorised_by, "reason": reason}
    body: dict[str, Any] = {
        **_person(subject, subject_file, actor),
        **{name: text for name, text in texts.items() if text is not None},
        "even_damaged": even_damaged,
    }
    client = connect(address, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    with in_option_names(**OPTIONS):
        said = asked(client, ask_erasure(client, body | {"dry_run": True}))
        if not dry_run and said.status != "nothing-to-erase":
            if not yes:
                _confirm(said)
            said = _carry_out(client, body, said, as_json)
    emit(msgspec.to_builtins(said), _text(said), as_json)


@app.command("list")
def list_(
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """List the last fifty erasures, the newest first."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    page = asyncio.run(_list(client))
    emit(msgspec.to_builtins(page), "\n".join(map(_line, page.erasures)) or "no erasures yet", as_json)


@app.command()
def show(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how far an erasure is."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    said = asked(client, read_act(client, act))
    emit(msgspec.to_builtins(said), _line(said), as_json)


@app.command()
def approve(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Have an erasure carried out that another person asked for."""
    _decide(
        "approve", act, connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for), as_json
    )


@app.command()
def decline(
    act: ActId,
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Have an erasure not carried out."""
    _decide(
        "decline", act, connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for), as_json
    )


def _decide(decision: str, act: str, client: LogClient, as_json: bool) -> None:
    said = asked(client, decide(client, act, decision))
    emit(msgspec.to_builtins(said), _line(said), as_json)


def _needed(options: dict[str, str | None]) -> dict[str, str]:
    """Return the options, all of them given. Raises `BadParameter`, which names those that are not."""
    if missing := [name for name, value in options.items() if value is None]:
        *others, last = missing
        raise typer.BadParameter(f"{' and '.join([', '.join(others), last] if others else [last])} missing")
    return {name: value for name, value in options.items() if value is not None}


def _person(subject: str | None, file: Path | None, actor: tuple[str, str] | None) -> dict[str, Any]:
    if sum(given is not None for given in (subject, file, actor)) != 1:
        raise typer.BadParameter("give one of --subject, --subject-file and --actor")
    if actor is not None:
        return {"actor": {"type": actor[0], "id": actor[1]}}
    return {"subject": subject if file is None else id_in(file)}


def _confirm(planned: ErasureSaid) -> None:
    print(_text(planned), file=sys.stderr)
    if not confirmed("Erase this for good?"):
        raise failed("nothing was erased")


def _carry_out(client: LogClient, body: dict[str, Any], planned: ErasureSaid, as_json: bool) -> ErasureSaid:
    said = asked(client, ask_erasure(client, body | {"wait": False}))
    if said.status != "running" or said.act is None:
        return said
    try:
        act = asked(client, _watch(client, said.act, as_json))
    except KeyboardInterrupt:
        notice(f"the erasure goes on without this command: tlog erase show {said.act}")
        raise
    return msgspec.structs.replace(
        planned, status=act.state, act=act.act, index=act.index, entries=act.entries or 0, parts=act.parts or 0
    )


async def _watch(client: LogClient, act: str, as_json: bool) -> ActSaid:
    with progress_bar(hidden=as_json, transient=True) as bar:
        task = bar.add_task("erasing", total=None)

        def report(said: ActSaid) -> None:
            if said.progress is not None:
                total = said.progress.total or None
                bar.update(task, description=said.progress.phase, completed=said.progress.done, total=total)

        said = await until_ended(client, act, report)
    if said.state != "done":
        raise failed(f"the erasure {act} is {said.state}; entry {said.index} of the log says why")
    return said


async def _list(client: LogClient) -> ErasuresSaid:
    async with client:
        return decode(await client.get_json("v1/erasures"), ErasuresSaid)


def _text(said: ErasureSaid) -> str:
    """Return what is told of an erasure; `parts` and `entries` are counted in the same way before and after it."""
    if said.status == "nothing-to-erase":
        return "nothing to erase: the log holds nothing of this person; nothing was done"
    what = f"{counted(said.parts, 'part')} of {counted(said.entries, 'entry', 'entries')}"
    shared = f"; {said.other_subjects_affected} of the parts name other subjects too" * bool(
        said.other_subjects_affected
    )
    holds = ", ".join(f"hold {number}" for number in said.held)
    held = f"\nheld by {holds}: it would be refused" * bool(said.held)
    when = f"\nreceived {said.first_received_at} to {said.last_received_at}" * bool(said.first_received_at)
    if said.status == "dry-run":
        return f"would erase {what}{shared}{when}{held}\n{_OWN}"
    if said.status == "pending":
        return (
            f"nothing is erased yet: it waits for a second person\n"
            f"another officer must run: tlog act approve {said.act}"
        )
    return f"{said.status}: erased {what}{shared}; entry {said.index} of the log says so\nact {said.act}"


def _line(act: ActSaid) -> str:
    return f"{act.requested_at[:19]}Z  {act.state:<8}  {act.act}{extent(act)}"
