"""`/ui/entries/{index}`: one entry, its proof, its time, who looked at it, and evidence to take away."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from tlog.audit.evidence import Evidence
from tlog.audit.fields import microseconds
from tlog.errors import TlogError
from tlog.formats.policy import Policy
from tlog.http.answers.access import AccessPage
from tlog.http.answers.entries import EntryAnswer
from tlog.http.form_body import read_form
from tlog.http.query import parse_number, parse_query
from tlog.http.sessions import FORM_TOKEN, SESSION
from web.access_rows import AccessRow, rows_of_accesses
from web.entry_proof import EntryProof, entry_proof
from web.entry_view import entry_groups, showable
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface

LOOKED: Final = 10


class EntryPages:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame, policy: Policy) -> None:
        self._interface = interface
        self._frame = frame
        self._policy = policy

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/entries/{index}`."""
        parse_query(request)
        index = parse_number(request.match_info["index"], "index")
        answer = await self._interface.ask(request, "readEntry", EntryAnswer)
        proof, missing = await self._proof(request, answer)
        return self._frame.page(
            request,
            "entry.html",
            answer=answer,
            groups=entry_groups(answer),
            showable=showable(answer),
            proof=proof,
            missing=missing,
            looked=await self._looked(request, index),
            search=request[SESSION].search,
        )

    async def evidence(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/entries/{index}/evidence`: the file."""
        parse_query(request)
        index = parse_number(request.match_info["index"], "index")
        body = body_of((await read_form(request)).items(), lists=["disclose"], ignored=[FORM_TOKEN])
        answer = await self._interface.answer(request, "caseFile", body | {"indices": [index]})
        ending = "html" if answer.content_type == "text/html" else "json"
        answer.headers["Content-Disposition"] = f'attachment; filename="entry-{index}.evidence.{ending}"'
        return answer

    async def _proof(self, request: web.Request, answer: EntryAnswer) -> tuple[EntryProof | None, str | None]:
        """Return the entry's proof, or why there is none to show."""
        if not self._interface.may(request, "caseFile"):
            return None, "You have not the right to take evidence away. The proof file needs none."
        body = {"indices": [answer.index], "disclose": ["all"]}
        try:
            evidence = await self._interface.ask(request, "caseFile", Evidence, body)
        except TlogError as error:
            return None, f"{error}."
        received = microseconds(answer.received_at)
        return await asyncio.to_thread(entry_proof, evidence, self._policy, received), None

    async def _looked(self, request: web.Request, index: int) -> list[AccessRow] | None:
        """Return the newest accesses of the entry, None for who may not see them."""
        if not self._interface.may(request, "searchAccesses"):
            return None
        found = await self._interface.ask(request, "searchAccesses", AccessPage, {"index": index, "limit": LOOKED})
        return rows_of_accesses(found.accesses)
