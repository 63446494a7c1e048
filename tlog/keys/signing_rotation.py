"""Replacing the log's signing keys, file by file, so that a crash anywhere leaves something that can be gone on from.

    keys/next.new/          the new pair while it is made; without both files it is made anew
    keys/next/              the new pair: every checkpoint is signed by it as well (the overlap)
    keys/retired/<key ID>/  a replaced pair, private and public; `*.vkey` stay needed to audit old checkpoints
    keys/retired/policy-until-<date>.txt    the policy of before, public: proofs from before verify under it

`begin` makes keys/next; `finish` puts it in the place of the pair in use.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tlog.errors import ConfigurationInvalid
from tlog.formats.vkey import VKey, parse_vkey
from tlog.keys.signing import ED25519_FILE, ML_DSA_44_FILE, SigningKeys, create_signing_keys, load_signing_keys
from tlog.storage.durable import sync_folder

_FILES = (ED25519_FILE, ML_DSA_44_FILE)


@dataclass(frozen=True, slots=True)
class SigningFolder:
    """The signing keys below a data folder's `keys/`; `name` is the log's."""

    keys: Path
    name: str

    @property
    def next(self) -> Path:
        """Where the new pair is during the overlap."""
        return self.keys / "next"

    @property
    def retired(self) -> Path:
        """Where replaced pairs are."""
        return self.keys / "retired"

    def load(self) -> list[SigningKeys]:
        """Return the pairs that sign: the one in use, and during an overlap the new one.

        Raises `ConfigurationInvalid`, also where putting new keys into place was cut off.
        """
        if self.next.exists() and not all((self.next / file).exists() for file in _FILES):
            raise ConfigurationInvalid(
                f"the change of signing keys in {self.keys} was cut off; run 'tlog key rotate signing --finish' again"
            )
        pairs = [load_signing_keys(self.keys, self.name)]
        return [*pairs, load_signing_keys(self.next, self.name)] if self.next.exists() else pairs

    def prepare(self) -> SigningKeys:
        """Return the pair that will be next: made once, whole on disk, and not in use yet. Raises as `load`."""
        if self.next.exists():
            return load_signing_keys(self.next, self.name)
        made = self.keys / "next.new"
        if made.exists() and not all((made / file).exists() for file in _FILES):
            shutil.rmtree(made)  # It signed nothing, and nobody was told of it.
        if not made.exists():
            made.mkdir(mode=0o700)
            create_signing_keys(made, self.name)
            sync_folder(made)
        return load_signing_keys(made, self.name)

    def begin(self) -> None:
        """Let the prepared pair sign from the next start on. Doing it again changes nothing."""
        if not self.next.exists():
            (self.keys / "next.new").rename(self.next)
            sync_folder(self.keys)

    def finish(self) -> None:
        """Put the next pair in the place of the one in use, which is kept in `retired`. Goes on where it was cut off.

        Raises `ConfigurationInvalid` where there is no next pair.
        """
        if not self.next.exists():
            raise ConfigurationInvalid("no new signing keys are waiting; begin with 'tlog key rotate signing'")
        if (self.next / ED25519_FILE).exists():
            self._retire()
            (self.next / ED25519_FILE).replace(self.keys / ED25519_FILE)
            sync_folder(self.keys)
        if (self.next / ML_DSA_44_FILE).exists():
            (self.next / ML_DSA_44_FILE).replace(self.keys / ML_DSA_44_FILE)
            sync_folder(self.keys)
        self.next.rmdir()
        sync_folder(self.keys)

    def keep_policy(self, content: bytes, date: str) -> Path:
        """Keep the policy that is about to be replaced, durable on return, and return where.

        Done again, it is the same file. `date` as YYYY-MM-DD; of two policies of one day the second gets a number.
        """
        self.retired.mkdir(mode=0o700, exist_ok=True)
        for number in count(1):
            path = self.retired / f"policy-until-{date}{'' if number == 1 else f'-{number}'}.txt"
            if not path.exists():
                part = path.with_suffix(".part")
                part.write_bytes(content)
                _sync_file(part)
                part.replace(path)
                sync_folder(self.retired)
            if path.read_bytes() == content:
                return path
        raise AssertionError("count() ended")

    def retired_vkeys(self) -> list[VKey]:
        """Return the public keys of every replaced pair, oldest first by file."""
        paths = sorted(self.retired.glob("*/*.vkey")) if self.retired.is_dir() else []
        return [parse_vkey(path.read_text(encoding="utf-8").strip()) for path in paths]

    def _retire(self) -> None:
        """Keep the pair in use, both files and public keys, before the first of them is replaced."""
        old = load_signing_keys(self.keys, self.name)
        place = self.retired / old.ed25519.vkey.key_id.hex()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, vkey in zip(_FILES, (old.ed25519.vkey, old.ml_dsa_44.vkey), strict=True):
            if not (place / file).exists():
                os.link(self.keys / file, place / file)
            (place / file).with_suffix(".vkey").write_text(f"{vkey.encode()}\n", encoding="utf-8")
        for folder in (place, self.retired, self.keys):
            sync_folder(folder)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
