"""The application: which handler answers which route. It neither starts nor stops the log.

    runner = web.AppRunner(create_app(log))          # the server's own settings come with the app
    await runner.setup()
    connections = Connections(runner.server, SERVER)  # a web.TCPSite serves as well, but sets no limits

Until the log is started, `/healthz` answers, `/readyz` says that it is starting, and what needs the log is
refused with 503.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.acts import ActRoutes
from tlog.http.add import AddRoute
from tlog.http.auth import Authenticator
from tlog.http.boundary import boundary
from tlog.http.checkpoints import CheckpointRoutes
from tlog.http.connection import IDLE_SECONDS
from tlog.http.entries import EntryRoutes
from tlog.http.erasures import ErasureRoutes
from tlog.http.evidence import EvidencePage, EvidenceRoutes
from tlog.http.health import HealthRoutes
from tlog.http.holds import HoldRoutes
from tlog.http.limits import BodyBudget
from tlog.http.metrics import Metrics
from tlog.http.openapi import OpenApiRoute
from tlog.http.proofs import ProofRoutes
from tlog.http.retention import RetentionRoutes
from tlog.http.search import SearchRoutes
from tlog.http.server_log import LOGGER
from tlog.http.tiles import TileRoutes
from tlog.service.log import Log

SERVER: Final[dict[str, Any]] = {
    "access_log": None,  # It would hold client addresses.
    "auto_decompress": False,  # A small gzip body may be a huge one; none is taken.
    "keepalive_timeout": IDLE_SECONDS,
    "logger": LOGGER,
    "lingering_time": 2,  # Seconds in which the rest of a refused upload is read, so that its sender sees why.
}


def create_app(
    log: Log, bodies: BodyBudget | None = None, evidence_page: EvidencePage | None = None
) -> web.Application:
    """Return the application over one log.

    `bodies` replaces the limits on uploads; `evidence_page` makes HTML of evidence, which is refused without it.
    """
    metrics = Metrics(log)
    auth = Authenticator(log.tokens.find)
    bodies = bodies or BodyBudget()
    app = web.Application(middlewares=[boundary(metrics)], handler_args=SERVER)
    entries = EntryRoutes(log, auth, bodies, metrics)
    search = SearchRoutes(log, auth, bodies)
    erasures = ErasureRoutes(log, auth, bodies)
    acts = ActRoutes(log, auth)
    retention = RetentionRoutes(log, auth, bodies)
    holds = HoldRoutes(log, auth, bodies)
    proofs = ProofRoutes(log)
    evidence = EvidenceRoutes(log, auth, bodies, evidence_page)
    checkpoints = CheckpointRoutes(log)
    tiles = TileRoutes(log)
    health = HealthRoutes(log, metrics)
    app.add_routes(
        [
            web.post("/add", AddRoute(log, auth, bodies, metrics).add),
            web.post("/v1/entries", entries.append),
            web.get("/v1/entries", search.by_query),
            web.post("/v1/entries/search", search.by_body),
            web.get("/v1/entries/by-id/{id}", search.by_id),
            web.get("/v1/entries/{index}", entries.read),
            web.post("/v1/erasures", erasures.erase),
            web.get("/v1/erasures", erasures.page),
            web.post("/v1/holds", holds.place),
            web.get("/v1/holds", holds.all),
            web.post("/v1/holds/lift", holds.lift),
            web.get("/v1/retention", retention.plan),
            web.post("/v1/retention/run", retention.run),
            web.get("/v1/acts", acts.page),
            web.get("/v1/acts/{id}", acts.read),
            web.post("/v1/acts/{id}/approve", acts.approve),
            web.post("/v1/acts/{id}/decline", acts.decline),
            web.get("/v1/entries/{index}/proof", proofs.proof_file),
            web.get("/v1/entries/{index}/evidence", evidence.of_one),
            web.post("/v1/evidence", evidence.of_several),
            web.get("/v1/proofs/inclusion", proofs.inclusion),
            web.get("/v1/proofs/consistency", proofs.consistency),
            web.get("/v1/checkpoints", checkpoints.page),
            web.get("/checkpoint", checkpoints.newest),
            web.get("/tile/entries/{index:.+}", tiles.tile),
            web.get("/tile/{level}/{index:.+}", tiles.tile),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
            web.get("/openapi.json", OpenApiRoute().describe),
        ]
    )
    return app
