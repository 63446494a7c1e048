"""`--kek NAME=VALUE` of `tlog init`: the `[kek]` table, setting by setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import msgspec
import typer

from tlog.keys.kek_settings import KekSettings


def kek_settings(options: Sequence[str]) -> KekSettings:
    """Return the settings of the options. Raises `BadParameter`, `ConfigurationInvalid`."""
    given: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter("--kek takes NAME=VALUE, such as provider=vault")
        if name in given:
            raise typer.BadParameter(f"--kek: {name} is given twice")
        given[name] = value
    if unknown := sorted(given.keys() - {field.name for field in fields(KekSettings)}):
        raise typer.BadParameter(f"--kek: unknown: {', '.join(unknown)}")
    try:
        settings = msgspec.convert(given, KekSettings)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"--kek: {error}") from None
    settings.check()
    return settings
