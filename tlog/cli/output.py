"""What every command prints, and how it ends.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. What was asked for goes to stdout, as text for people
or, with `--json`, as one JSON object on one line. Errors go to stderr as one line. Text from outside (an
origin, a witness's answer) is printed without control characters: it cannot drive the terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Any, Final

import structlog
import typer

from tlog.errors import MalformedPolicy, TlogError, VerificationFailed

REFUSED: Final = 1
INTERRUPTED: Final = 130


def emit(values: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print the outcome of a command: `values` as one JSON line, or `text`."""
    line = json.dumps(values, ensure_ascii=False) if as_json else "\n".join(map(clean, text.split("\n")))
    print(line, flush=True)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"tlog: {clean(message)}", file=sys.stderr, flush=True)


def clean(text: str) -> str:
    """Return a line in which what is not printable is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def refused(error: TlogError, as_json: bool) -> typer.Exit:
    """Print why a file was refused, with the name of the check that failed, and return the exit to raise."""
    check = _check_of(error)
    if as_json:
        emit({"ok": False, "check": check, "error": clean(str(error))}, "", as_json=True)
    complain(f"refused, {check}: {error}")
    return typer.Exit(REFUSED)


def _check_of(error: TlogError) -> str:
    if isinstance(error, VerificationFailed):
        return error.check
    return "policy" if isinstance(error, MalformedPolicy) else "format"


def new_app(**options: Any) -> typer.Typer:
    """Return a command group in the one style of all: plain help, no shell completion, no typer tracebacks."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **options,
    )


def run(app: Callable[[], object]) -> None:
    """Run the command line and exit; an error of the project is one line on stderr and exit code 1."""
    _speak_utf_8()
    _log_to_stderr()
    try:
        app()
    except TlogError as error:
        complain(str(error))
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone away; nothing may be flushed into the pipe at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)


def _speak_utf_8() -> None:
    """What is printed is UTF-8 in every locale; a file name that is not comes out as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
