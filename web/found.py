"""Entries of a look-up as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tlog.http.answers.entries import EntryAnswer, EntryPage, EntryProblem


def shown_entries(page: EntryPage) -> Sequence[EntryAnswer | EntryProblem]:
    """Return what a page of a look-up holds, each as what it is."""
    return [_shown(each) for each in page.entries]


def form_values(body: dict[str, Any]) -> dict[str, str]:
    """Return what a form said as its fields, to show it again."""
    return {name: str(value) for name, value in body.items()}


def _shown(each: dict[str, Any]) -> EntryAnswer | EntryProblem:
    return msgspec.convert(each, EntryProblem) if "problem" in each else msgspec.convert(each, EntryAnswer)
