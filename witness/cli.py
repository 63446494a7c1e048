"""`tlog-witness`: make a witness, tell it which logs to trust, run it, look at it.

Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.
"""

from __future__ import annotations

import time
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tlog.errors import ConfigurationInvalid
from tlog.formats.vkey import parse_vkey
from witness import logs
from witness.directory import create_directory, exclusive, open_store, read_identity
from witness.keys import Identity
from witness.listen import Address, Listen
from witness.logs import LogSettings, LogStatus
from witness.output import count, emit, examples, new_app, run
from witness.rules import SECONDS_PER_DAY

app = new_app("A transparency-log witness (C2SP tlog-witness): cosigns only what extends the checkpoint before.")

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on one line.")]


@app.command(
    epilog=examples(
        "tlog-witness init ./w1 --name witness.example/w1",
        "tlog-witness init ./w1 --name witness.example/w1 --json",
    )
)
def init(
    directory: Directory,
    name: Annotated[
        str,
        typer.Option(help="The witness's name, best a schema-less URL: witness.example/w1.", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Make a new witness: two keys, its database, and DIR/vkeys to hand to log operators."""
    try:
        identity = create_directory(directory, name)
    except ValueError as error:
        raise ConfigurationInvalid(f"the name {name!r} cannot be used: {error}") from error
    lines = "\n".join(vkey.encode() for vkey in identity.vkeys)
    emit({**_identity(identity), "directory": str(directory)}, lines, as_json)


@app.command(
    "add-log",
    epilog=examples(
        'tlog-witness add-log ./w1 "$(cat log.vkey)" --vkey "$(cat log-mldsa.vkey)"',
        'tlog-witness add-log ./w1 "$(cat log.vkey)" --first-checkpoint checkpoint',
        'tlog-witness add-log ./w1 "$(cat new.vkey)" --requests-per-day 100000 --update',
    ),
)
def add_log(
    directory: Directory,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.", show_default=False)],
    more: Annotated[
        list[str] | None,
        typer.Option("--vkey", metavar="VKEY", help="A further key of the log (repeatable)."),
    ] = None,
    origin: Annotated[str | None, typer.Option(help="The log's origin; else the first key's name.")] = None,
    first_checkpoint: Annotated[
        Path | None,
        typer.Option(help="A signed checkpoint got out of band: the witness starts there, not at size 0."),
    ] = None,
    requests_per_day: Annotated[int | None, typer.Option(help="Refuse more requests a UTC day with 429.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Replace the keys and limit of a known log.")] = False,
    as_json: AsJson = False,
) -> None:
    """Trust a log. A running witness sees it at once."""
    keys = tuple(parse_vkey(text) for text in (vkey, *(more or ())))
    settings = LogSettings(keys[0].name if origin is None else origin, keys, requests_per_day)
    logs.check_settings(settings, read_identity(directory))
    if update and first_checkpoint is not None:
        raise typer.BadParameter("--first-checkpoint is only for a new log")
    state = logs.pinned_state(settings, None if first_checkpoint is None else _read(first_checkpoint))
    store = open_store(directory)
    try:
        if update:
            logs.update_log(store, settings)
        else:
            logs.add_log(store, settings, state)
    finally:
        store.close()
    emit({"origin": settings.origin, "updated": update}, f"trusted: {settings.origin}", as_json)


@app.command(
    epilog=examples(
        "tlog-witness serve ./w1 --port 8091",
        "tlog-witness serve ./w1 --host 0.0.0.0 --port 8443 --tls-cert chain.pem --tls-key key.pem",
    )
)
def serve(
    directory: Directory,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")] = None,
    body_seconds: Annotated[float, typer.Option(min=0.1, help="Time a client has to send a request.")] = 10,
    idle_seconds: Annotated[float, typer.Option(min=0.1, help="Time an idle connection is kept.")] = 75,
    as_json: AsJson = False,
) -> None:
    """Run the witness until SIGTERM or SIGINT. Without its database it does not start, and says why."""
    from witness.serve import serve as run_witness  # noqa: PLC0415 - the HTTP stack is slow to import

    listen = Listen(host, port, tls_cert, tls_key, body_seconds, idle_seconds)
    run_witness(directory, listen, lambda address: _ready(address, as_json))


@app.command(epilog=examples("tlog-witness status ./w1", "tlog-witness status ./w1 --json"))
def status(directory: Directory, as_json: AsJson = False) -> None:
    """Show who the witness is and what it last cosigned for every log."""
    identity = read_identity(directory)
    store = open_store(directory)
    try:
        last = store.snapshot(()).last_timestamp
        known = logs.list_logs(store)
    finally:
        store.close()
    shown = {**_identity(identity), "last_timestamp": last, "logs": [_log(log) for log in known]}
    lines = [f"{identity.name}: {count(len(known), 'log')}, last cosigned {_time(last)}"]
    lines += [f"{log.origin}  size {log.state.size}  cosigned {_time(log.state.timestamp)}" for log in known]
    emit(shown, "\n".join(lines), as_json)


@app.command(epilog=examples("tlog-witness migrate ./w1", "tlog-witness migrate ./w1 --json"))
def migrate(directory: Directory, as_json: AsJson = False) -> None:
    """Bring the database of an older version to this one's schema. Stop the witness first."""
    read_identity(directory)  # says what is wrong with the folder before the lock file appears in it
    with exclusive(directory), closing(open_store(directory, check_schema=False)) as store:
        store.migrate()
    emit({"migrated": True}, "the database has this version's schema", as_json)


def main() -> None:
    """Run the command line and exit."""
    run(lambda: app(prog_name="tlog-witness"))


def _ready(address: Address, as_json: bool) -> None:
    where = {"event": "ready", "url": address.url, "host": address.host, "port": address.port}
    text = f"{address.identity.name} listens on {address.url}"
    emit({**where, **_identity(address.identity)}, text, as_json)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read {path}: {error.strerror}") from error


def _identity(identity: Identity) -> dict[str, object]:
    return {"name": identity.name, "vkeys": [vkey.encode() for vkey in identity.vkeys]}


def _log(log: LogStatus) -> dict[str, object]:
    today = int(time.time()) // SECONDS_PER_DAY
    return {
        "origin": log.origin,
        "origin_hash": log.origin_hash,
        "vkeys": list(log.vkeys),
        "size": log.state.size,
        "root": b64encode(log.state.root).decode(),
        "timestamp": log.state.timestamp,
        "requests_per_day": log.requests_per_day,
        "requests_today": log.usage_requests if log.usage_day == today else 0,
    }


def _time(timestamp: int) -> str:
    if timestamp == 0:
        return "never"
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):  # Beyond year 9999: shown, since a broken clock is what one looks for.
        return str(timestamp)


if __name__ == "__main__":
    main()
