"""What a refused form shows again: its page with what was typed, beside why it was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tlog.errors import TlogError
from tlog.http.form_body import Form
from tlog.http.sessions import FORM_TOKEN


@dataclass(frozen=True, slots=True)
class Retry:
    """A template and what it shows, without the problem. `of_log`: something of the log is among it."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    of_log: bool = False


RETRY = web.RequestKey("retry", Retry)


@asynccontextmanager
async def shown_again(
    request: web.Request, template: str, read: Callable[[], Awaitable[dict[str, Any]]]
) -> AsyncIterator[None]:
    """Where what is done inside is refused, have the page shown again with what `read` returns of the log.

    It is read only then, and while the request is still guarded. Where it can't be read, the refusal stands alone.
    """
    try:
        yield
    except TlogError:
        with suppress(TlogError):
            request[RETRY] = Retry(template, await read(), of_log=True)
        raise


def typed(form: Form) -> dict[str, str]:
    """Return what was typed into a form, by the names of its fields, before anything is judged.

    Of a field that came several times the values stand with a space between.
    """
    return {name: " ".join(form.getall(name)) for name in form if name != FORM_TOKEN}
