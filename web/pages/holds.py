"""`/ui/holds`: what must not go, and why; place a hold, lift one.

GET  /ui/holds?all=1         the holds in force; with `all` those lifted too
POST /ui/holds               place one
GET  /ui/holds/{hold}/lift   which one it is, and the form that lifts it
POST /ui/holds/lift          lift it; where a second person is needed, that then waits under Acts
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.errors import NotFound
from tlog.http.answers.holds import HoldList, LiftAnswer
from tlog.http.form_body import read_form
from tlog.http.query import parse_number, parse_query
from tlog.http.sessions import FORM_TOKEN
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry, shown_again, typed
from web.see import see

KINDS: Final = {"legal-hold": "legal hold", "art-17-3": "ground of Art. 17(3) GDPR"}
GROUNDS: Final = {
    "a": "a: freedom of expression and information",
    "b": "b: a legal duty to keep it, or a public task",
    "c": "c: public health",
    "d": "d: archives, research or statistics",
    "e": "e: legal claims",
}
"""The grounds of Art. 17(3) GDPR by their letters, in short."""
_TEMPLATE: Final = "holds.html"
_LIFT: Final = "hold_lift.html"
_WORDS: Final[dict[str, Any]] = {"kinds": KINDS, "grounds": GROUNDS}


class HoldsPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/holds`."""
        everything = parse_query(request, "all").get("all") == "1"
        return self._frame.page(request, _TEMPLATE, **await self._context(request, {}, everything=everything))

    async def place(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/holds`, then show the holds."""
        parse_query(request)
        form = await read_form(request)
        async with shown_again(request, _TEMPLATE, lambda: self._context(request, typed(form))):
            body = body_of(form.items(), flags=["by_case"], ignored=[FORM_TOKEN])
            await self._interface.answer(request, "placeHold", body)
        return see("/ui/holds")

    async def ask_lift(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/holds/{hold}/lift`. Raises `NotFound` unless it is in force."""
        parse_query(request)
        number = parse_number(request.match_info["hold"], "hold")
        held = await self._interface.ask(request, "holds", HoldList)
        found = next((hold for hold in held.holds if hold.hold == number), None)
        if found is None:
            raise NotFound(f"there is no hold {number} in force")
        return self._frame.page(request, _LIFT, number=number, hold=found, form={}, **_WORDS)

    async def lift(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/holds/lift`, then show the holds, or the acts where these wait for a second person."""
        parse_query(request)
        form = await read_form(request)
        kept = typed(form)
        request[RETRY] = Retry(_LIFT, {"number": kept.get("hold", ""), "hold": None, "form": kept, **_WORDS})
        body = body_of(form.items(), numbers=["hold"], ignored=[FORM_TOKEN])
        lifted = await self._interface.ask(request, "liftHolds", LiftAnswer, body)
        return see("/ui/acts?kind=lift" if any(act.state == "pending" for act in lifted.acts) else "/ui/holds?all=1")

    async def _context(self, request: web.Request, form: dict[str, str], *, everything: bool = False) -> dict[str, Any]:
        held = await self._interface.ask(request, "holds", HoldList)
        return {"holds": held.holds, "everything": everything, "form": form, **_WORDS}
