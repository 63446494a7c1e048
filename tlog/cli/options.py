"""Arguments and options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.output import speak_json

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The log's data folder.", show_default=False)]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", callback=speak_json, is_eager=True, help="Print one JSON object on one line, also for an error."
    ),
]
