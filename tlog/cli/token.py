"""`tlog token`: credentials of services and people. Works beside a running log, which logs what is done here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from tlog.audit.fields import RetentionClass, SourceName, instant
from tlog.cli.data_folder import DataFolder, open_log_database, read_config
from tlog.cli.files import read_file
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.errors import ConfigurationInvalid
from tlog.keys.client_certificate import fingerprint_of
from tlog.service.grants import REVOKED, revocation_id, said_of
from tlog.service.log_parts import now_us
from tlog.service.note_file import leave_note
from tlog.storage.roles import Role, RowScope, sorted_names
from tlog.storage.token_store import Credential, NewToken, Token, TokenStore, new_token_id

app = new_app(help="Issue, list and revoke tokens and other credentials.")

EXAMPLES = """\b
Examples:
  tlog token add ./log --source clinic                       a service that appends as 'clinic'
  tlog token add ./log --writer gateway --source a --source b
  tlog token add ./log --source clinic --certificate clinic.pem   by its client certificate, no token
  tlog token add ./log --reader tim --source clinic --class clinical   reads these entries only
  tlog token add ./log --auditor jane --days 90 --json       reads everything, takes evidence away
  tlog token add ./log --dpo maria                           also erases, holds and lets expire
  tlog token add ./log --admin otto                          issues tokens, reads no entry
"""
LINK_EXAMPLES = """\b
Examples:
  tlog token link ./log --admin otto
  tlog token link ./log --auditor jane --hours 1 --url https://log.example
"""
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Of this source only (repeatable); alone: a writer of this name."),
]
Classes = Annotated[
    list[str] | None, typer.Option("--class", metavar="NAME", help="Of this retention class only (repeatable).")
]
Writer = Annotated[str | None, typer.Option(metavar="NAME", help="Appends entries of its sources and reads them.")]
Reader = Annotated[str | None, typer.Option(metavar="NAME", help="Looks up and reads entries.")]
Auditor = Annotated[str | None, typer.Option(metavar="NAME", help="As reader; evidence, who read what, drills.")]
Dpo = Annotated[str | None, typer.Option(metavar="NAME", help="As auditor; erases, holds, lets expire.")]
Admin = Annotated[str | None, typer.Option(metavar="NAME", help="Tokens and roles; reads no entry.")]


@app.command(epilog=EXAMPLES)
def add(
    folder: Folder,
    source: Sources = None,
    writer: Writer = None,
    reader: Reader = None,
    auditor: Auditor = None,
    dpo: Dpo = None,
    admin: Admin = None,
    retention: Classes = None,
    days: Annotated[int | None, typer.Option(min=1, max=3660, help="Expires after so many days.")] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Whoever shows this client certificate, instead of a token."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token. It is shown this once: the log keeps only its hash."""
    name, roles = _named(
        {Role.WRITER: writer, Role.READER: reader, Role.AUDITOR: auditor, Role.DPO: dpo, Role.ADMIN: admin}, source
    )
    expires_at = None if days is None else _after(timedelta(days=days))
    kind = Credential.BEARER if certificate is None else Credential.CERTIFICATE
    fingerprint = None if certificate is None else _fingerprint(certificate)
    new = NewToken(name, roles, _scope(source, retention), kind, expires_at, fingerprint)
    token, text = _issue(folder, new)
    shown = text or f"{name} is known by the certificate with the fingerprint {(fingerprint or b'').hex()}"
    emit({"token": text or None, **values_of(token)}, shown, as_json)


@app.command(epilog=LINK_EXAMPLES)
def link(
    folder: Folder,
    source: Sources = None,
    reader: Reader = None,
    auditor: Auditor = None,
    dpo: Dpo = None,
    admin: Admin = None,
    retention: Classes = None,
    hours: Annotated[int, typer.Option(min=1, max=168, help="Expires after so many hours.")] = 24,
    url: Annotated[str | None, typer.Option(help="Where the log is reached; default as DIR/tlog.toml says.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a link that logs somebody in once, in a browser."""
    name, roles = _named({Role.READER: reader, Role.AUDITOR: auditor, Role.DPO: dpo, Role.ADMIN: admin}, None)
    expires_at = _after(timedelta(hours=hours))
    token, text = _issue(folder, NewToken(name, roles, _scope(source, retention), Credential.LINK, expires_at))
    made = login_link(DataFolder(folder), text, url)
    emit({"link": made, **values_of(token)}, made, as_json)


@app.command("list")
def list_(folder: Folder, as_json: AsJson = False) -> None:
    """List every token ever issued, without its secret."""
    with open_log_database(folder) as database:
        tokens = TokenStore(database, now_us).all()
    lines = [
        f"{_state(token)}  {token.token_id}  {token.credential:<11}  {'+'.join(sorted(token.roles)):<8}  "
        f"{token.name}  ({token.scope}){_use(token)}"
        for token in tokens
    ]
    emit({"tokens": [values_of(token) for token in tokens]}, "\n".join(lines) or "no tokens yet", as_json)


@app.command()
def revoke(
    folder: Folder,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As 'tlog token list' shows it.")],
    as_json: AsJson = False,
) -> None:
    """Make a token useless. A running log believes it for at most five more seconds."""
    with open_log_database(folder) as database:
        tokens = TokenStore(database, now_us)
        token = tokens.require_in_force(token_id)
        # First: an access that ended unheard of is worse. The next start revokes what was logged and is in force.
        note(folder, REVOKED, {"token": token_id}, revocation_id(token))
        tokens.revoke(token_id)
    emit({"id": token_id, "revoked": True}, f"revoked {token_id}", as_json)


def first_admin(folder: Path) -> str:
    """Return a link that logs the first admin of a new log in, for a day."""
    new = NewToken("admin", frozenset({Role.ADMIN}), credential=Credential.LINK, expires_at=_after(timedelta(hours=24)))
    return login_link(DataFolder(folder), _issue(folder, new)[1])


def login_link(folder: DataFolder, text: str, url: str | None = None) -> str:
    """Return the address of a login link."""
    listen = read_config(folder).listen
    base = url or listen.public_url or listen.url(listen.port)
    return f"{base.rstrip('/')}/ui/login/link?code={text}"


def note(folder: Path, action: str, details: dict[str, Any], entry_id: bytes | None = None) -> None:
    """Leave a note of what was administered, for the log to log; under this id, where the same may be noted again."""
    said: dict[str, Any] = {"action": action, "purpose": "access to the audit log is managed", "details": details}
    if entry_id is not None:
        said["id"] = str(UUID(bytes=entry_id))
    leave_note(DataFolder(folder).notes, said)


def values_of(token: Token) -> dict[str, object]:
    """Return what may be told of a token."""
    return {
        "id": token.token_id,
        "credential": str(token.credential),
        "name": token.name,
        "roles": sorted(token.roles),
        "sources": sorted_names(token.scope.sources),
        "classes": sorted_names(token.scope.classes),
        "created_at": instant(token.created_at),
        "expires_at": None if token.expires_at is None else instant(token.expires_at),
        "revoked_at": None if token.revoked_at is None else instant(token.revoked_at),
        "used_at": None if token.used_at is None else instant(token.used_at),
    }


def _issue(folder: Path, new: NewToken) -> tuple[Token, str]:
    with open_log_database(folder) as database:
        tokens = TokenStore(database, now_us)
        new.check()
        if new.certificate is not None:
            tokens.require_unknown(new.certificate)
        token_id = new_token_id()
        note(folder, "tlog.token.issue", {"token": token_id, **said_of(new)})  # first, as for a revocation
        return tokens.issue(new, token_id)


def _named(given: dict[Role, str | None], sources: list[str] | None) -> tuple[str, frozenset[Role]]:
    """Return the name and the roles of the options; sources alone make a writer of their name."""
    names = {role: name for role, name in given.items() if name is not None}
    if not names and sources is not None and len(sources) == 1:
        names = {Role.WRITER: sources[0]}
    if len(set(names.values())) != 1:
        raise typer.BadParameter(
            "say for whom: one NAME with --writer, --reader, --auditor, --dpo or --admin, or one --source for a service"
        )
    return next(iter(names.values())), frozenset(names)


def _scope(sources: list[str] | None, classes: list[str] | None) -> RowScope:
    for name in sources or ():
        _check(name, SourceName, "--source")
    for name in classes or ():
        _check(name, RetentionClass, "--class")
    return RowScope(frozenset(sources) if sources else None, frozenset(classes) if classes else None)


def _check(name: str, kind: Any, option: str) -> None:
    try:
        msgspec.convert(name, kind)
    except msgspec.ValidationError:
        description = kind.__metadata__[0].description
        raise typer.BadParameter(f"{option} {name!r}: expected {description}") from None


def _fingerprint(path: Path) -> bytes:
    try:
        return fingerprint_of(read_file(path))
    except ValueError:
        raise ConfigurationInvalid(f"{path}: not a certificate in PEM") from None


def _after(time: timedelta) -> int:
    return now_us() + time // timedelta(microseconds=1)


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked".ljust(27)
    if token.expires_at is not None and token.expires_at <= now_us():
        return "expired".ljust(27)
    return f"issued {instant(token.created_at)[:19]}Z"


def _use(token: Token) -> str:
    """Return the end of a link's line: whether it opened its session, and until when it may or that lasts."""
    if token.credential is not Credential.LINK:
        return ""
    used = "not used" if token.used_at is None else f"opened a session {instant(token.used_at)[:19]}Z"
    if token.revoked_at is not None or token.expires_at is None:
        return f"  {used}"
    return f"  {used}, until {instant(token.expires_at)[:19]}Z"
