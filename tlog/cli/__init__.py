"""The `tlog` command: typer commands and the composition root."""
