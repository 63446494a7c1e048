"""What every command prints, and how it ends.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 a drill that missed, 130 interrupted. What was asked for goes
to stdout, as text for people or, with `--json`, as one JSON object on one line. Why a command failed goes to stderr: as
text, or with `--json` as one JSON object on the last line,

    {"error": "what was wrong", "check": "the check that failed", "details": ["more, line by line"], …}

of which only "error" is always there. What is worth knowing before that (an attempt that is repeated) is a line too,
{"notice": "…"} with `--json`. Wrong usage is always text. Text from outside (an origin, a witness's answer) is
printed without control characters: it cannot drive the terminal. In JSON they are escapes, so the value stays the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOWrapper
from typing import Any, Final

import structlog
import typer
from typer.core import TyperGroup

from tlog.audit.printable import printable, printable_json, printable_lines
from tlog.cli.strict_command import StrictCommand, StrictGroup
from tlog.errors import Malformed, MalformedPolicy, TlogError, VerificationFailed

REFUSED: Final = 1
INTERRUPTED: Final = 130

_JSON: ContextVar[bool] = ContextVar("json", default=False)


def emit(values: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print the outcome of a command: `values` as one JSON line, or `text`."""
    print(json_line(values) if as_json else printable_lines(text), flush=True)


def json_line(values: Mapping[str, Any]) -> str:
    """Return one line of JSON; what is not printable in its strings (C1, bidi, U+2028) is written as JSON escapes."""
    return printable_json(json.dumps(values, ensure_ascii=False))


def speak_json(wanted: bool) -> bool:
    """Have this command's errors and notices printed as JSON; the callback of `--json`."""
    _JSON.set(wanted)
    return wanted


def complain(message: str, details: Sequence[str] = (), **values: object) -> None:
    """Print on stderr why the command fails, once: `message` and `details`, each a line, or one JSON object.

    `values` are members of the object beside "error" and "details".
    """
    more = {"details": [printable(detail) for detail in details]} if details else {}
    _print([message, *details], {"error": printable(message), **more, **values})


def failed(message: str, details: Sequence[str] = (), **values: object) -> typer.Exit:
    """Say why the command fails, as `complain` does, and return the exit to raise."""
    complain(message, details, **values)
    return typer.Exit(REFUSED)


def notice(message: str) -> None:
    """Print one line on stderr about what is no failure yet."""
    _print([message], {"notice": printable(message)})


def refused(error: TlogError, as_json: bool) -> typer.Exit:
    """Print why a file was refused, with the name of the check that failed, and return the exit to raise."""
    check = _check_of(error)
    if as_json:
        emit({"ok": False, "check": check, "error": printable(str(error))}, "", as_json=True)
        complain(str(error), check=check)
    else:
        complain(f"refused, {check}: {error}")
    return typer.Exit(REFUSED)


def _print(lines: Sequence[str], values: Mapping[str, object]) -> None:
    text = [json_line(values)] if _JSON.get() else [f"tlog: {printable(line)}" for line in lines]
    print("\n".join(text), file=sys.stderr, flush=True)


def _check_of(error: TlogError) -> str:
    if isinstance(error, VerificationFailed):
        return error.check
    return "policy" if isinstance(error, MalformedPolicy) else "format"


def _check_in(error: TlogError) -> dict[str, object]:
    return {"check": _check_of(error)} if isinstance(error, VerificationFailed | Malformed) else {}


class _App(typer.Typer):
    """A command group whose commands take an option once."""

    def command(self, *names: Any, **options: Any) -> Any:
        return super().command(*names, **{"cls": StrictCommand, **options})


def new_app(cls: type[TyperGroup] = StrictGroup, **options: Any) -> typer.Typer:
    """Return a command group in the one style of all: plain help, no shell completion, no typer tracebacks."""
    return _App(
        cls=cls,
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
    speak_json(False)
    try:
        app()
    except TlogError as error:
        complain(str(error), (), **_check_in(error))
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        if _was_interrupted(ended):
            complain("interrupted")
        raise
    except BrokenPipeError:
        # Whoever read our output has gone away; nothing may be flushed into the pipe at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or type(error).__name__)
        _give_up_printing()
        sys.exit(REFUSED)


def _give_up_printing() -> None:
    """Drop what can't be printed, on a full disk, say: to try again at exit would end in another code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _was_interrupted(ended: SystemExit) -> bool:
    """Tell whether a command ended by Ctrl-C: typer makes an exit of it, and says nothing."""
    return ended.__context__ is not None and isinstance(ended.__context__.__cause__, KeyboardInterrupt)


def _speak_utf_8() -> None:
    """What is printed is UTF-8 in every locale; a file name that is not comes out as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def logs_as_notices() -> Iterator[None]:
    """What a service logs is a notice for the length of a block: no JSON among the text of a command."""
    structlog.configure(processors=[_to_notice], logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        _log_to_stderr()


def _to_notice(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    said = ", ".join(f"{name} {_plain(value)}" for name, value in event.items() if name != "event")
    notice(f"{event['event']}: {said}" if said else str(event["event"]))
    raise structlog.DropEvent


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


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
