"""A data subject who is looked up by name, in the entry that logs it: by the number of their key, if they have one."""

from __future__ import annotations

import asyncio

from aiohttp import web

from tlog.http.noted import note_read
from tlog.service.lookup import LookUp


async def note_looked_up(request: web.Request, lookup: LookUp, subject: str | None) -> None:
    """Note whom a request looks up, before it does; None: nobody.

    The number is found, never made, and nothing is sealed for them: so whoever is erased meanwhile does not come back
    by having been looked up.
    """
    if subject is not None:
        note_read(request, person=await asyncio.to_thread(lookup.subject_key, subject))
