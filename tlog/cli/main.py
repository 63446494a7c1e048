"""`tlog`: the command line of the log, its services and its auditors."""

from __future__ import annotations

from typing import Annotated

import typer

from tlog import __version__
from tlog.cli import init, serve, token
from tlog.cli.output import new_app, run

app = new_app(
    help="A witnessed log of audit entries: run one, append to it, verify what it proves.",
    epilog="Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tlog {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


app.command(epilog=init.EXAMPLES)(init.init)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(token.app, name="token")


def main() -> None:
    """Run the command line and exit."""
    run(app)


if __name__ == "__main__":
    main()
