"""Whether a text names somebody: what keeps ids out of texts that outlive an erasure, or that go to somebody else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_SHORT: Final = 6  # Characters: a shorter id is looked for as a word only, else "a" would be in every text.


def names_person(text: str, identity: str) -> bool:
    """Tell whether a text contains a person's id, however its letters are written; a short id only as a word."""
    text, identity = _plain(text), _plain(identity)
    if len(identity) >= _SHORT:
        return identity in text
    return re.search(rf"(?<!\w){re.escape(identity)}(?!\w)", text) is not None


class Names:
    """Ids and names of several people. A text is looked through once, however many there are."""

    def __init__(self, names: Iterable[str]) -> None:
        """Empty names are nobody's."""
        self._by_start: dict[str, list[str]] = {}
        for name in {_plain(name) for name in names} - {""}:
            self._by_start.setdefault(name[:_SHORT], []).append(name)
        self._lengths = sorted({len(start) for start in self._by_start})

    def are_in(self, text: str) -> bool:
        """Tell whether `names_person` finds one of them in a text."""
        plain = _plain(text)
        return any(self._stands(plain, place, length) for place in range(len(plain)) for length in self._lengths)

    def _stands(self, text: str, place: int, length: int) -> bool:
        start = text[place : place + length]
        if length < _SHORT:
            return start in self._by_start and _is_word(text, place, place + len(start))
        return any(text.startswith(name, place) for name in self._by_start.get(start, ()))


def _is_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return not any(letter.isalnum() or letter == "_" for letter in (before, after) if letter)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
