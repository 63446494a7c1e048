"""Whether a text names somebody: what keeps ids out of texts that outlive an erasure, or that go to somebody else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SHORT: Final = 6  # Characters: a shorter id is looked for as a word only, else "a" would be in every text.


def names_person(text: str, identity: str) -> bool:
    """Tell whether a text contains a person's id, however its letters are written; a short id only as a word."""
    text, identity = _plain(text), _plain(identity)
    if len(identity) >= _SHORT:
        return identity in text
    return re.search(rf"(?<!\w){re.escape(identity)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
