"""`tlog key rotate signing`: new signing keys, with a time in which both sign."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.config import Config
from tlog.cli.data_folder import DataFolder, exclusive, open_log_database, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit
from tlog.errors import ConfigurationInvalid
from tlog.formats.note import parse_note
from tlog.formats.vkey import VKey
from tlog.keys.signing import SigningKeys, load_signing_keys
from tlog.keys.signing_rotation import SigningFolder
from tlog.service.note_file import leave_note
from tlog.storage.log_store import LogStore


def signing(
    folder: Folder,
    finish: Annotated[
        bool, typer.Option("--finish", help="Put the new keys in the place of the old: the end of the overlap.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Begin or finish a change of signing keys; in between, both sign."""
    data = DataFolder(folder)
    config = read_config(data)
    with exclusive(data):
        if finish:
            _finish(data, config, as_json)
        else:
            _begin(data, config, as_json)


def _begin(data: DataFolder, config: Config, as_json: bool) -> None:
    keys = SigningFolder(data.keys, config.origin)
    fresh = not keys.next.exists()
    added = _vkeys(keys.prepare())
    # The policy first: it may list keys that sign nothing yet, and must list those that do.
    _edit_policy(data.policy, add=added)
    if fresh:  # before the last step, so that what is cut off is logged twice rather than never
        leave_note(data.rotations, {"key": "signing", "step": "begun", "key_id": added[0].key_id.hex()})
    keys.begin()
    old = _vkeys(load_signing_keys(data.keys, config.origin))
    lines = [f"log {vkey.encode()}" for vkey in added]
    more = " ".join(f"--vkey {vkey.encode()}" for vkey in (*old[1:], *added))
    witness = f"tlog-witness add-log WITNESS-DIR {old[0].encode()} {more} --update"
    text = "\n".join(
        [
            "From the next start, every checkpoint is signed by the old and the new keys.",
            f"{data.policy} lists both. Auditors add these lines to theirs and keep the old ones:",
            *lines,
            "Each witness learns the new keys beside the old:",
            f"  {witness}",
            f"When all have them: stop the log, tlog key rotate signing {data.path} --finish",
        ]
    )
    emit({"step": "begun", "added": [vkey.encode() for vkey in added], "witness": witness}, text, as_json)


def _finish(data: DataFolder, config: Config, as_json: bool) -> None:
    keys = SigningFolder(data.keys, config.origin)
    if keys.next.exists():
        _require_signed(data, keys)
        keys.finish()
    elif not _is_half_done(data, config, keys):
        raise ConfigurationInvalid("no new signing keys are waiting; begin with 'tlog key rotate signing'")
    in_use, retired = _vkeys(load_signing_keys(data.keys, config.origin)), keys.retired_vkeys()
    for path, vkey in zip(data.vkeys, in_use, strict=True):
        _write(path, f"{vkey.encode()}\n".encode())
    leave_note(data.rotations, {"key": "signing", "step": "finished", "key_id": in_use[0].key_id.hex()})
    kept = keys.keep_policy(data.policy.read_bytes(), datetime.now(UTC).date().isoformat())
    removed = _edit_policy(data.policy, remove=retired)
    text = "\n".join(
        [
            f"The new keys are in use alone; the old ones are in {keys.retired}.",
            f"Proofs from before verify under the policy of before, and not under the new one: {kept}",
            "has it, and may be given to anybody. Auditors keep theirs too. For new proofs they may remove:",
            *(f"log {vkey.encode()}" for vkey in removed),
        ]
    )
    values = {"step": "finished", "vkeys": [vkey.encode() for vkey in in_use], "old_policy": str(kept)}
    emit(values | {"removed": [vkey.encode() for vkey in removed]}, text, as_json)


def _require_signed(data: DataFolder, keys: SigningFolder) -> None:
    """Raise unless the last checkpoint is signed by the new pair: at the next start every witness is asked about it."""
    try:
        _, following = keys.load()
    except ConfigurationInvalid:
        return  # Cut off in the middle: it was checked before.
    with open_log_database(data.path) as database:
        last = LogStore(database).last_signed()
    signed = {signature.key_id for signature in parse_note(last.note).signatures} if last is not None else set()
    if not {vkey.key_id for vkey in _vkeys(following)} <= signed:
        raise ConfigurationInvalid(
            "no checkpoint is signed by the new keys yet: run 'tlog serve' until an entry was published, then again"
        )


def _is_half_done(data: DataFolder, config: Config, keys: SigningFolder) -> bool:
    """Tell whether the keys are in place and what names them is not."""
    in_use = [vkey.encode() for vkey in _vkeys(load_signing_keys(data.keys, config.origin))]
    said = [path.read_text(encoding="utf-8").strip() for path in data.vkeys]
    policy = data.policy.read_text(encoding="utf-8")
    return said != in_use or any(vkey.encode() in policy for vkey in keys.retired_vkeys())


def _edit_policy(path: Path, add: Sequence[VKey] = (), remove: Sequence[VKey] = ()) -> list[VKey]:
    """Add and remove `log` lines and leave everything else as it is. Returns what was removed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    listed = {line.split()[1] for line in lines if line.startswith("log ")}
    gone = {vkey.encode() for vkey in remove}
    kept = [line for line in lines if not (line.startswith("log ") and line.split()[1] in gone)]
    place = max((number for number, line in enumerate(kept) if line.startswith("log ")), default=-1) + 1
    kept[place:place] = [f"log {vkey.encode()}" for vkey in add if vkey.encode() not in listed]
    _write(path, ("\n".join(kept) + "\n").encode())
    return [vkey for vkey in remove if vkey.encode() in listed]


def _vkeys(pair: SigningKeys) -> list[VKey]:
    return [pair.ed25519.vkey, pair.ml_dsa_44.vkey]


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(f"{path.suffix}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
