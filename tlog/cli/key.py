"""`tlog key`: the log's verifier keys, and what a verifier key says."""

from __future__ import annotations

from typing import Annotated

import typer

from tlog.cli.data_folder import DataFolder, load_signer, read_config
from tlog.cli.key_rotate import app as rotate
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.formats.add_checkpoint import origin_hash
from tlog.formats.vkey import VKey, parse_vkey

app = new_app(help="Show and check verifier keys; rotate keys.")
app.add_typer(rotate, name="rotate")

EXAMPLES = """\b
Examples:
  tlog key show ./log
  tlog key inspect "$(cat ./log/log.vkey)"
"""


@app.command(epilog=EXAMPLES)
def show(folder: Folder, as_json: AsJson = False) -> None:
    """Print the verifier keys of a log. Checks first that its private keys are theirs."""
    data = DataFolder(folder)
    signer = load_signer(data, read_config(data))
    hashed = origin_hash(signer.origin)
    values = {"origin": signer.origin, "origin_hash": hashed, "vkeys": [vkey.encode() for vkey in signer.vkeys]}
    emit(values, "\n".join(vkey.encode() for vkey in signer.vkeys), as_json)


@app.command(epilog=EXAMPLES)
def inspect(
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="A verifier key (C2SP signed-note).")],
    as_json: AsJson = False,
) -> None:
    """Check a verifier key and say what it is. Refuses weak points and key IDs that are not the key's."""
    key = parse_vkey(vkey.strip())
    emit(_values(key), f"{key.name}: {key.type.name}, key ID {key.key_id.hex()}", as_json)


def _values(key: VKey) -> dict[str, object]:
    return {"name": key.name, "type": key.type.name, "key_id": key.key_id.hex(), "public_key": key.public_key.hex()}
