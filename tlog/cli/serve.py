"""`tlog serve`: run the log until SIGTERM or SIGINT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.config import Listen
from tlog.cli.data_folder import DataFolder, exclusive, open_folder, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.cli.server import Address, serve_log

app = new_app()

EXAMPLES = """\b
Examples:
  tlog serve ./log                                  as DIR/tlog.toml says
  tlog serve ./log --host :: --port 443 --tls-cert chain.pem --tls-key key.pem
If a witness proves that the database was rolled back, the log stops appending and signing, says why on stderr
and in /readyz, and goes on answering what is public. 'tlog read' shows its entries once it is stopped.
"""


@app.command(epilog=EXAMPLES)
def serve(
    folder: Folder,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of tlog.toml's.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the log. Says where it and its pages are once it answers; logs are JSON lines on stderr."""
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key belong together")
    data = DataFolder(folder)
    read_config(data)  # says what is wrong with the folder before the lock file appears in it
    with exclusive(data), open_folder(folder) as opened:
        said = opened.config.listen
        listen = Listen(
            said.host if host is None else host,
            said.port if port is None else port,
            _path(folder, said.tls_cert) if tls_cert is None else str(tls_cert),
            _path(folder, said.tls_key) if tls_key is None else str(tls_key),
            _path(folder, said.client_ca),
            said.public_url,
        )
        oidc = None if opened.config.oidc is None else opened.config.oidc.load(folder)
        serve_log(opened.parts, listen, lambda address: _ready(address, as_json), oidc)


def _path(folder: Path, name: str | None) -> str | None:
    return None if name is None else str(folder / name)


def _ready(address: Address, as_json: bool) -> None:
    where = {"url": address.url, "origin": address.origin, "port": address.port}
    text = f"{address.origin} listens on {address.url}\npages for people: {address.url}/ui/"
    if address.halted is not None:
        text = f"{text}\nHALTED: it takes and signs nothing and answers what is public only: {address.halted}"
    emit({"event": "ready", **where, "halted": address.halted}, text, as_json)
