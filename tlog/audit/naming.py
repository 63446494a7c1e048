"""Whether a text names somebody: what keeps ids out of texts that outlive an erasure, or that go to somebody else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_SHORT: Final = 6  # Characters: a shorter id is looked for as a word only, else "a" would be in every text.


def names_person(text: str, identity: str) -> bool:
    """Tell whether a text contains a person's id, however its letters are written; a short id only as a word."""
    return _holds(_plain(text), _plain(identity))


class Names:
    """Ids and names of several people. What a text costs does not grow with how many they are."""

    def __init__(self, names: Iterable[str]) -> None:
        """Empty names are nobody's."""
        self._by_start: dict[int, dict[str, list[str]]] = {}
        for name in {_plain(name) for name in names} - {""}:
            start = name[:_SHORT]
            self._by_start.setdefault(len(start), {}).setdefault(start, []).append(name)

    def are_in(self, text: str) -> bool:
        """Tell whether `names_person` finds one of them in a text."""
        plain = _plain(text)
        return any(_holds(plain, name) for length in self._by_start for name in self._candidates(plain, length))

    def _candidates(self, text: str, length: int) -> Iterable[str]:
        starts = self._by_start[length]
        found = {text[place : place + length] for place in range(len(text) - length + 1)} & starts.keys()
        return (name for start in found for name in starts[start])


def _holds(text: str, name: str) -> bool:
    if len(name) >= _SHORT:
        return name in text
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
