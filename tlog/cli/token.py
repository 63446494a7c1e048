"""`tlog token`: bearer tokens of services, auditors and data protection officers. Works beside a running log."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from tlog.audit.fields import SourceName, instant
from tlog.cli.data_folder import open_log_database
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.service.log import now_us
from tlog.storage.token_store import Token, TokenKind, TokenStore

app = new_app(help="Issue, list and revoke bearer tokens.")

EXAMPLES = """\b
Examples:
  tlog token add ./log --source clinic           a service that appends as 'clinic'
  tlog token add ./log --auditor jane --json     somebody who may read every entry
  tlog token add ./log --dpo maria               somebody who may also erase, hold and let expire
"""


@app.command(epilog=EXAMPLES)
def add(
    folder: Folder,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="May append entries of this source, and read them.")
    ] = None,
    auditor: Annotated[str | None, typer.Option(metavar="NAME", help="May read every entry.")] = None,
    dpo: Annotated[
        str | None, typer.Option(metavar="NAME", help="May read every entry, and erase, hold and let expire.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token. It is shown this once: the log keeps only its hash."""
    options = {TokenKind.SOURCE: source, TokenKind.AUDITOR: auditor, TokenKind.DPO: dpo}
    given = [(kind, name) for kind, name in options.items() if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("give one of --source NAME, --auditor NAME and --dpo NAME")
    if source is not None:
        _check_source(source)
    with open_log_database(folder) as database:
        token, text = TokenStore(database, now_us).issue(*given[0])
    emit({"token": text, **_values(token)}, text, as_json)


@app.command("list")
def list_(folder: Folder, as_json: AsJson = False) -> None:
    """List every token ever issued, without its secret."""
    with open_log_database(folder) as database:
        tokens = TokenStore(database, now_us).all()
    lines = [f"{_state(token)}  {token.token_id}  {token.kind:<8}  {token.name}" for token in tokens]
    emit({"tokens": [_values(token) for token in tokens]}, "\n".join(lines) or "no tokens yet", as_json)


@app.command()
def revoke(
    folder: Folder,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As 'tlog token list' shows it.")],
    as_json: AsJson = False,
) -> None:
    """Make a token useless. A running log believes it for at most five more seconds."""
    with open_log_database(folder) as database:
        TokenStore(database, now_us).revoke(token_id)
    emit({"id": token_id, "revoked": True}, f"revoked {token_id}", as_json)


def _check_source(name: str) -> None:
    try:
        msgspec.convert(name, SourceName)
    except msgspec.ValidationError:
        raise typer.BadParameter(
            f"--source {name!r}: a source name has 1 to 64 characters a-z 0-9 . _ - and starts and ends with a "
            "letter or digit"
        ) from None


def _state(token: Token) -> str:
    return f"issued {instant(token.created_at)[:19]}Z" if token.revoked_at is None else "revoked".ljust(27)


def _values(token: Token) -> dict[str, object]:
    return {
        "id": token.token_id,
        "kind": str(token.kind),
        "name": token.name,
        "created_at": instant(token.created_at),
        "revoked_at": None if token.revoked_at is None else instant(token.revoked_at),
    }
