"""A person who is looked up by name, in the entry that logs it: named only if the log knows them, before and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tlog.http.noted import forget_subject, note_read
from tlog.service.lookup import LookUp


@asynccontextmanager
async def naming(request: web.Request, lookup: LookUp, subject: str | None) -> AsyncIterator[None]:
    """Name the subject that is looked up in a block, if the log knows them; None: nobody is looked up.

    Whoever was erased meanwhile is named no more: they would come back by having been looked up.
    """
    if subject is None or not await asyncio.to_thread(lookup.knows_subject, subject):
        yield
        return
    note_read(request, subject=subject)
    try:
        yield
    finally:
        if not await asyncio.to_thread(lookup.knows_subject, subject):
            forget_subject(request)
