"""What every command prints, and how it ends: as `tlog` does, whose code the witness does not share.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. What was asked for goes to stdout, as text for people
or, with `--json`, as one JSON object on one line. Errors go to stderr as one line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Any, Final

import typer

from tlog import __version__
from tlog.errors import TlogError
from witness.printable import printable

REFUSED: Final = 1
INTERRUPTED: Final = 130
EXIT_CODES: Final = "Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage."


def emit(values: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print the outcome of a command: `values` as one JSON line, or `text`."""
    line = json.dumps(values, ensure_ascii=False) if as_json else "\n".join(map(printable, text.split("\n")))
    print(line, flush=True)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"tlog-witness: {printable(message)}", file=sys.stderr, flush=True)


def count(number: int, thing: str) -> str:
    """Return the number with the thing's singular or plural: 1 log, 2 logs."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def new_app(help_: str) -> typer.Typer:
    """Return a command group with plain help, `-h`, `--version`, no shell completion and no typer tracebacks."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help=help_,
        epilog=EXIT_CODES,
    )
    version = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit.")

    @app.callback()
    def options(version: bool = version) -> None:
        pass

    return app


def examples(*lines: str) -> str:
    """Return the end of a command's help: these lines as they are, and the exit codes."""
    shown = "\n".join(f"  {line}" for line in lines)
    return f"\b\nExamples:\n{shown}\n\n{EXIT_CODES}"


def run(app: Callable[[], object]) -> None:
    """Run the command line and exit; an error of the project is one line on stderr and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # UTF-8 in every locale; a file name that is not comes out as escapes
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app()
    except TlogError as error:
        complain(str(error))
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        if ended.__context__ is not None and isinstance(ended.__context__.__cause__, KeyboardInterrupt):
            complain("interrupted")  # typer makes an exit of Ctrl-C, and says nothing
        raise
    except BrokenPipeError:
        # Whoever read our output has gone away; nothing may be flushed into the pipe at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tlog-witness {__version__}")
        raise typer.Exit
