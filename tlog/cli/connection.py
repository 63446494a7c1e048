"""How commands reach a log over HTTP: URL, token, TLS, retries."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from tlog.cli.files import read_file
from tlog.cli.output import notice
from tlog.client.client import LogClient
from tlog.client.retry import RetryPolicy
from tlog.errors import ConfigurationInvalid, TlogError

T = TypeVar("T")
TOKEN_VARIABLE = "TLOG_TOKEN"  # noqa: S105 - the name of a variable

Url = Annotated[str, typer.Option(help="The log's URL.", envvar="TLOG_URL", show_default=False)]
TokenFile = Annotated[
    Path | None,
    typer.Option(help=f"File with the bearer token; else ${TOKEN_VARIABLE}.", show_default=False),
]
CaFile = Annotated[
    Path | None, typer.Option(help="Certificates (PEM) to trust instead of the system's.", show_default=False)
]
RetryFor = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Keep trying while the log is busy or away.")]


def connect(url: str, *, token: str | None = None, ca_file: Path | None = None, retry_for: float = 10) -> LogClient:
    """Return a client that is not open yet. Raises `ConfigurationInvalid`; `BadParameter` for a URL that is none."""
    try:
        LogClient(url)
    except ConfigurationInvalid as error:
        raise typer.BadParameter(str(error), param_hint="'--url'") from None
    retries = RetryPolicy(give_up_after=retry_for)
    return LogClient(url, token, tls=_tls(ca_file), retries=retries, on_retry=_say)


def asked(client: LogClient, work: Coroutine[Any, Any, T]) -> T:
    """Return what the log answers, on a connection of its own."""

    async def within() -> T:
        async with client:
            return await work

    return asyncio.run(within())


def required_token(path: Path | None) -> str:
    """Return the bearer token in a file, or else that of the environment. Raises `ConfigurationInvalid` for a file
    that has none; `BadParameter` where nothing is given."""
    # Never an option of its own: a command line can be read by every process of the machine.
    text = os.environ.get(TOKEN_VARIABLE, "") if path is None else read_file(path).decode("ascii", "replace")
    token = text.strip()
    if not token:
        if path is None:
            raise typer.BadParameter(f"no token: give --token-file or set {TOKEN_VARIABLE}")
        raise ConfigurationInvalid(f"no token: {path} is empty; give --token-file or set {TOKEN_VARIABLE}")
    return token


def _tls(path: Path | None) -> ssl.SSLContext | None:
    if path is None:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # SSLError is one
        raise ConfigurationInvalid(f"cannot use the certificates in {path}: {error.strerror or error}") from None


def _say(error: TlogError, pause: float) -> None:
    notice(f"{error}; trying again in {pause:.1f} s")
