"""What a refused form shows again: its page with what was typed, beside why it was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Retry:
    """A template and what it shows, without the problem."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


RETRY = web.RequestKey("retry", Retry)
