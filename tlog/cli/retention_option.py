"""`--retention NAME=MONTHS:REASON` of `tlog init`: a retention class, or several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import typer

from tlog.cli.config import RetentionPeriod

_OPTION = re.compile(r"(?P<name>[a-z][a-z0-9_-]{0,63})=(?P<months>[1-9][0-9]{0,3}):(?P<reason>.*\S.*)")

DEFAULT: Final = {
    "standard": RetentionPeriod(
        12,
        "CNIL's recommendation on logging (2021) names six months to one year",
    )
}
"""What a log has whose operator said nothing. An entry without a class is of class `standard`."""


def retention_periods(options: Sequence[str]) -> dict[str, RetentionPeriod]:
    """Return the classes of the options, or the default. Raises typer's `BadParameter`."""
    if not options:
        return dict(DEFAULT)
    periods: dict[str, RetentionPeriod] = {}
    for option in options:
        found = _OPTION.fullmatch(option)
        if found is None:
            raise typer.BadParameter(
                "--retention takes NAME=MONTHS:REASON, such as 'clinical=120:ten years after treatment, law X'"
            )
        if found["name"] in periods:
            raise typer.BadParameter(f"--retention: {found['name']} is given twice")
        periods[found["name"]] = RetentionPeriod(int(found["months"]), found["reason"].strip())
    return periods
