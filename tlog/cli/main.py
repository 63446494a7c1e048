"""`tlog`: the command line of the log, its services and its auditors.

A command's module is imported when it is named: verifying a proof needs neither a database driver nor an
HTTP server, and should not wait for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from tlog import __version__
from tlog.cli.output import new_app, run

COMMANDS: Final = {
    "init": "tlog.cli.init",
    "serve": "tlog.cli.serve",
    "token": "tlog.cli.token",
    "append": "tlog.cli.append",
    "get": "tlog.cli.get",
    "search": "tlog.cli.search",
    "who-looked": "tlog.cli.who_looked",
    "subject-access": "tlog.cli.subject_access",
    "erase": "tlog.cli.erase",
    "hold": "tlog.cli.hold",
    "retention": "tlog.cli.retention",
    "act": "tlog.cli.act",
    "prove": "tlog.cli.prove",
    "evidence": "tlog.cli.evidence",
    "redact": "tlog.cli.redact",
    "consistency": "tlog.cli.consistency",
    "verify": "tlog.cli.verify",
    "drill": "tlog.cli.drill",
    "read": "tlog.cli.read",
    "fsck": "tlog.cli.fsck",
    "key": "tlog.cli.key",
    "migrate": "tlog.cli.migrate",
    "backup": "tlog.cli.backup",
    "restore": "tlog.cli.restore",
    "demo": "tlog.cli.demo",
}


SUMMARIES: Final = {
    "token": "Issue, list and revoke tokens, certificates and links.",
    "get": "Print an entry; with --json, all to verify it by.",
    "subject-access": "Write a file of every entry about one person.",
    "erase": "Erase one person, or decide on an erasure.",
    "act": "List acts; approve or decline as the second person.",
    "evidence": "Fetch a file that proves entries offline.",
    "drill": "Find and prove random old records, by the clock.",
    "demo": "Run a log and three witnesses here, with made-up entries.",
}
"""What the list of commands says where a command's own first sentence is too long for it."""

EPILOG: Final = """\b
Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage,
3 a drill that missed.
With --json a command prints one JSON object on stdout, and for exit code 1 one
on the last line of stderr:
  {"error": "why", "check": "the check that failed", "details": ["more"]}
"error" is always there. Lines {"notice": "..."} before it are no failure.
Wrong usage is said as text.
"""


class LazyCommands(TyperGroup):
    """A group whose commands are the `app` of the modules in `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import a command's module and return its command; None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(COMMANDS[cmd_name]).app)
        command.name = cmd_name
        command.short_help = SUMMARIES.get(cmd_name, command.short_help)
        return command


app = new_app(
    cls=LazyCommands,
    help="A witnessed log of audit entries: run it, append, verify its proofs.",
    epilog=EPILOG,
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


def main() -> None:
    """Run the command line and exit."""
    run(lambda: app(prog_name="tlog"))


if __name__ == "__main__":
    main()
