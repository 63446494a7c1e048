"""What the command line can check by itself: a bad value is wrong usage, whoever would refuse it later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Final
from uuid import UUID

import msgspec
import typer

from tlog.audit import fields
from tlog.errors import Malformed, TlogError
from tlog.formats.encoding import parse_decimal

TIME_FORM: Final = "a time in UTC such as 2026-03-01T09:30:00Z, or a date such as 2026-03-01 (its start)"


def check_time(value: str | None) -> str | None:
    """Return an RFC 3339 time in UTC, or a date; the callback of an option. Raises typer's `BadParameter`."""
    if value is not None:
        try:
            instant = f"{value}T00:00:00Z" if len(value) == len("2026-03-01") else value
            fields.check_instant(msgspec.convert(instant, fields.Instant))
        except ValueError:  # msgspec's ValidationError is one
            raise typer.BadParameter(f"expected {TIME_FORM}") from None
    return value


def check_day(value: str | None) -> str | None:
    """Return a date; the callback of an option. Raises typer's `BadParameter`."""
    if value is not None:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise typer.BadParameter("expected a day as YYYY-MM-DD") from None
    return value


def check_outcome(value: str | None) -> str | None:
    """Return an entry's outcome; the callback of an option. Raises typer's `BadParameter`."""
    return _chosen(value, "allowed", "denied", "failed")


def check_kind(value: str) -> str:
    """Return the kind of a hold; the callback of an option. Raises typer's `BadParameter`."""
    return _chosen(value, "legal-hold", "art-17-3") or ""


def check_ground(value: str | None) -> str | None:
    """Return a ground of Art. 17(3); the callback of an option. Raises typer's `BadParameter`."""
    return _chosen(value, "a", "b", "c", "d", "e")


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID in its usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def index_or_id(text: str) -> int | UUID:
    """Return an entry's index, or its id. Raises typer's `BadParameter`."""
    if is_uuid(text):
        return UUID(text)
    try:
        return parse_decimal(text, Malformed, "index")
    except Malformed:
        raise typer.BadParameter("neither an index, from 0, nor an entry's id", param_hint="'INDEX|ID'") from None


def check_text(value: str) -> str:
    """Return a text of one line as entries have them; the callback of an option. Raises typer's `BadParameter`."""
    try:
        fields.check_one_line(msgspec.convert(value, fields.Text))
    except ValueError:  # msgspec's ValidationError is one
        raise typer.BadParameter("expected 1 to 1024 characters on one line") from None
    return value


@contextmanager
def in_option_names(**options: str) -> Iterator[None]:
    """Have what the log refuses said in the words of the command line: `options` by the log's names.

    A name with an underscore is replaced wherever it stands, another one only where a fault begins with it.
    """
    try:
        yield
    except TlogError as error:
        error.args = (said_in_options(str(error), options),)
        raise


def said_in_options(text: str, options: Mapping[str, str]) -> str:
    """Return a log's message with the names of options in place of the log's own."""
    for name, option in options.items():
        pattern = rf"\b{name}\b" if "_" in name else rf"(?:(?<=^)|(?<=; )){name}(?=:)"
        text = re.sub(pattern, option, text)
    return text


def _chosen(value: str | None, *choices: str) -> str | None:
    if value is not None and value not in choices:
        raise typer.BadParameter(f"one of {', '.join(choices)}")
    return value
