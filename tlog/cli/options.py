"""Arguments and options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The log's data folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on one line.")]
