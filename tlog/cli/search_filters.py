"""The filters of a look-up as options, for every command that looks entries up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from tlog.cli.checks import check_outcome, check_time
from tlog.cli.id_input import id_in

OPTIONS: Final = {
    "actor_type": "--actor TYPE",
    "actor_id": "--actor ID",
    "target_type": "--target TYPE",
    "target_id": "--target ID",
    "occurred_from": "--occurred-from",
    "occurred_to": "--occurred-to",
    "received_from": "--received-from",
    "received_to": "--received-to",
    **{
        name: f"--{name}"
        for name in ("subject", "action", "source", "outcome", "retention", "correlation", "limit", "cursor")
    },
}
"""What the log calls a filter, and what the command line does."""
DEFAULT_LIMIT: Final = 50

Pair = tuple[str, str] | None
Text = str | None
_OF: Final = "Filters"


def _option(help_text: str, metavar: str, check: Callable[[Text], Text] | None = None) -> typer.models.OptionInfo:
    made: typer.models.OptionInfo = typer.Option(
        help=help_text, metavar=metavar, show_default=False, rich_help_panel=_OF, callback=check
    )
    return made


Actor = Annotated[Pair, _option("Who acted.", "TYPE ID")]
Target = Annotated[Pair, _option("What was acted on.", "TYPE ID")]
Subject = Annotated[Text, _option("Whose data, by id.", "ID")]
SubjectFile = Annotated[Path | None, _option("File with the id on one line; - is stdin.", "FILE")]
Action = Annotated[Text, _option("That action, or one below it by dots.", "ACTION")]
Source = Annotated[Text, _option("The producer.", "NAME")]
Outcome = Annotated[Text, _option("allowed, denied or failed.", "OUTCOME", check_outcome)]
Retention = Annotated[Text, _option("Retention class.", "CLASS")]
Correlation = Annotated[Text, _option("A trace id or request id.", "ID")]
OccurredFrom = Annotated[Text, _option("Not before, by the producer's clock.", "TIME", check_time)]
OccurredTo = Annotated[Text, _option("Before, by the producer's clock.", "TIME", check_time)]
ReceivedFrom = Annotated[Text, _option("Not before, by the log's clock.", "TIME", check_time)]
ReceivedTo = Annotated[Text, _option("Before, by the log's clock.", "TIME", check_time)]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="N", help=f"Entries to show, at most; default {DEFAULT_LIMIT}.")
]
Cursor = Annotated[Text, typer.Option(help="Go on where an earlier page ended.", show_default=False)]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")]


def filters_of(
    *, actor: Pair, target: Pair, subject: Text, subject_file: Path | None, **others: Text
) -> dict[str, str]:
    """Return the filters that were given, by the log's names. Raises `BadParameter`, `ConfigurationInvalid`."""
    if subject is not None and subject_file is not None:
        raise typer.BadParameter("give one of --subject and --subject-file")
    filters = {
        **_pair("actor", actor),
        **_pair("target", target),
        "subject": subject if subject_file is None else id_in(subject_file),
        **others,
    }
    return {name: value for name, value in filters.items() if value is not None}


def limit_of(limit: int | None, *, every: bool) -> int | None:
    """Return how many entries to show, None for all there are. Raises `BadParameter`."""
    if every and limit is not None:
        raise typer.BadParameter("give --all or --limit, not both")
    return None if every else limit or DEFAULT_LIMIT


def _pair(name: str, pair: Pair) -> dict[str, str | None]:
    return {} if pair is None else {f"{name}_type": pair[0], f"{name}_id": pair[1]}
