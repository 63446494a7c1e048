"""`tlog who-looked`: who read an entry, or anything about a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.id_input import id_in
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.client import LogClient
from tlog.client.who_looked import AccessPageSaid, AccessSaid, who_looked
from tlog.client.words import counted

app = new_app()

EXAMPLES = """\b
Examples:
  tlog who-looked 17 --url https://log.example --token-file auditor.token
  tlog who-looked --subject-file person.txt --limit 500 --json
Every answer that showed an entry is an entry of the log itself; these are found here, the newest first. (by name)
stands where somebody looked the person up by their id, whether or not an entry was shown. Needs the
token of an auditor or a data protection officer; the URL may come from $TLOG_URL. Asking is logged as well.
"""


@app.command(epilog=EXAMPLES)
def command(
    url: Url,
    index: Annotated[
        int | None, typer.Argument(metavar="[INDEX]", min=0, help="Index of an entry, from 0.", show_default=False)
    ] = None,
    subject_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with a person's id on one line; - is stdin.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who looked at an entry, or up a person."""
    if (index is None) == (subject_file is None):
        raise typer.BadParameter("name either INDEX or --subject-file")
    what: dict[str, object] = {"index": index} if subject_file is None else {"subject": id_in(subject_file)}
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    pages = asked(client, _pages(client, what, limit))
    accesses = [access for page in pages for access in page.accesses][:limit]
    values = {
        "accesses": [msgspec.to_builtins(access) for access in accesses],
        "entries": pages[-1].entries,
        "entries_or_more": pages[-1].entries_or_more,
        "more": pages[-1].next is not None,
    }
    emit(values, "\n".join([*map(_line, accesses), _summary(accesses, pages[-1], subject_file is not None)]), as_json)


async def _pages(client: LogClient, what: dict[str, object], limit: int) -> list[AccessPageSaid]:
    return [page async for page in who_looked(client, what, limit)]


def _line(access: AccessSaid) -> str:
    named = f" ({access.actor.name})" if access.actor.name else ""
    who = f"{access.actor.type} {access.actor.id}{named}" if access.actor.id else "(erased)"
    shown = ", ".join(map(str, access.shown[:5])) + ", …" * (len(access.shown) > 5)
    what = f"entries {shown}" * bool(access.shown) + " (by name)" * access.by_name
    return f"{access.at[:19]}Z  {access.index:>8}  {access.outcome:<7}  {access.action:<22}  {who}  {what.strip()}"


def _summary(accesses: list[AccessSaid], last: AccessPageSaid, of_person: bool) -> str:
    if not accesses:
        if of_person:
            return "none found: nobody looked, or this log does not know the person (any more)"
        return "none found: nobody looked at this entry"
    more = "; there are more, see --limit" * (last.next is not None)
    others = "; the person has other entries, which were not followed" * last.entries_or_more
    return f"{counted(len(accesses), 'access', 'accesses')}{more}{others}"
