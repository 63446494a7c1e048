"""Mounts the pages on the application of one log. Only the composition root calls it."""

from __future__ import annotations

from aiohttp import web

from tlog.service.log import Log
from web.boundary import page_boundary
from web.frame import Frame
from web.pages.compare import ComparePage
from web.pages.overview import OverviewPage
from web.pages.reference import ReferencePage
from web.pages.witnesses import WitnessesPage
from web.static_files import PREFIX


def add_pages(app: web.Application, log: Log) -> None:
    """Add every page's route to an application that is not set up yet."""
    frame = Frame(log.signer.origin)
    app.middlewares.insert(0, page_boundary(frame))
    compare = ComparePage(log, frame)
    app.add_routes(
        [
            web.get("/", _to_overview, name="ui.start"),
            web.get("/ui", _to_overview, name="ui.short"),
            web.get("/ui/", OverviewPage(log, frame).show, name="ui.overview"),
            web.get("/ui/witnesses", WitnessesPage(log, frame).show, name="ui.witnesses"),
            web.get("/ui/compare", compare.show, name="ui.compare"),
            web.get("/ui/checkpoints/{size}", compare.note, name="ui.checkpoint"),
            web.get("/docs", ReferencePage(frame).show, name="ui.reference"),
            web.get(PREFIX + "/{version}/{path:.+}", frame.static.serve, name="ui.static"),
        ]
    )


async def _to_overview(request: web.Request) -> web.Response:
    del request
    return web.Response(status=303, headers={"Location": "/ui/", "Cache-Control": "no-store"})
