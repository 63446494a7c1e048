"""What a refused form shows again: its page with what was typed, beside why it was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tlog.http.form_body import Form
from tlog.http.sessions import FORM_TOKEN


@dataclass(frozen=True, slots=True)
class Retry:
    """A template and what it shows, without the problem."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


RETRY = web.RequestKey("retry", Retry)


def typed(form: Form) -> dict[str, str]:
    """Return what was typed into a form, by the names of its fields, before anything is judged.

    Of a field that came several times the values stand with a space between.
    """
    return {name: " ".join(form.getall(name)) for name in form if name != FORM_TOKEN}
