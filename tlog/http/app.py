"""The application: which handler answers which route. It neither starts nor stops the log.

    runner = web.AppRunner(create_app(log))          # the server's own settings come with the app
    await runner.setup()
    connections = Connections(runner.server, SERVER)  # a web.TCPSite serves as well, but sets no limits

Until the log is started, `/healthz` answers, `/readyz` says that it is starting, and what needs the log is
refused with 503.
"""

from __future__ import annotations

from os import urandom
from typing import Any, Final

from aiohttp import web

from tlog.http.access import AccessRoutes
from tlog.http.acts import ActRoutes
from tlog.http.add import AddRoute
from tlog.http.auth import Authenticator
from tlog.http.boundary import boundary
from tlog.http.checkpoints import CheckpointRoutes
from tlog.http.connection import IDLE_SECONDS
from tlog.http.drills import DrillRoutes
from tlog.http.entries import EntryRoutes
from tlog.http.erasures import ErasureRoutes
from tlog.http.evidence import EvidenceRoutes
from tlog.http.form_body import MAX_FORM_BYTES
from tlog.http.guard import Guard
from tlog.http.health import HealthRoutes
from tlog.http.holds import HoldRoutes
from tlog.http.limits import BodyBudget
from tlog.http.metrics import Metrics
from tlog.http.openapi.document import OpenApiRoute
from tlog.http.openid import CALLBACK, START, Finish, OpenId, OpenIdRoutes
from tlog.http.openid_sessions import OpenIdSessions
from tlog.http.peer_certificate import peer_fingerprint
from tlog.http.proofs import ProofRoutes
from tlog.http.renderers import Renderers
from tlog.http.retention import RetentionRoutes
from tlog.http.search import SearchRoutes
from tlog.http.server_log import LOGGER
from tlog.http.sessions import Sessions
from tlog.http.sources import SourceRoutes
from tlog.http.subject_access import SubjectAccessRoute
from tlog.http.tiles import TileRoutes
from tlog.http.tokens import TokenRoutes
from tlog.service.identity.opened import OpenedIdentity
from tlog.service.identity.sealed_login import SealedLogins
from tlog.service.log import Log
from tlog.service.rate_limit import RateLimit

GUARD: Final = web.AppKey("guard", Guard)
SERVER: Final[dict[str, Any]] = {
    "access_log": None,  # It would hold client addresses.
    "auto_decompress": False,  # A small gzip body may be a huge one; none is taken.
    "keepalive_timeout": IDLE_SECONDS,
    "logger": LOGGER,
    "lingering_time": 2,  # Seconds in which the rest of a refused upload is read, so that its sender sees why.
}


def create_app(  # noqa: PLR0913 - the parts that may be others
    log: Log,
    bodies: BodyBudget | None = None,
    *,
    auth: Authenticator | None = None,
    identity: OpenedIdentity | None = None,
    signed_in: Finish | None = None,
    renderers: Renderers | None = None,
) -> web.Application:
    """Return the application over one log.

    `bodies` replaces the limits on uploads. `identity` is the OpenID Connect provider: people log in there, and
    services bring its tokens. `auth` replaces the ways to show who one is, `signed_in` what is answered after a login.
    `renderers` make HTML files.
    """
    metrics = Metrics(log)
    auth = auth or authenticator_of(log, identity)
    bodies = bodies or BodyBudget()
    limit = RateLimit(log.settings.requests_per_second, log.settings.request_burst)
    guard = Guard(auth, log.accesses, limit)
    middlewares = [boundary(metrics), guard.middleware()]
    app = web.Application(middlewares=middlewares, handler_args=SERVER, client_max_size=MAX_FORM_BYTES)
    app[GUARD] = guard
    app.add_routes(_routes(log, bodies, metrics, renderers or Renderers()))
    app.add_routes(_login(log, auth, identity, signed_in))
    return app


def authenticator_of(
    log: Log, identity: OpenedIdentity | None, over_tls: bool = False, public_url: str | None = None
) -> Authenticator:
    """Return what knows tokens, client certificates, JWTs of the provider and sessions.

    `over_tls`: browsers reach the log over TLS, also where a proxy ends it before the log; at `public_url`, if given.
    """
    jwt = None if identity is None else identity.jwt
    return Authenticator(log.tokens, Sessions(over_tls=over_tls, public_url=public_url), jwt=jwt, peer=peer_fingerprint)


def _routes(log: Log, bodies: BodyBudget, metrics: Metrics, renderers: Renderers) -> list[web.RouteDef]:
    return [
        *_entries(log, bodies, metrics),
        *_evidence(log, bodies, renderers),
        *_acts(log, bodies, renderers),
        *_drills(log, bodies),
        *_administration(log, bodies),
        *_public(log, metrics),
    ]


def _entries(log: Log, bodies: BodyBudget, metrics: Metrics) -> list[web.RouteDef]:
    entries = EntryRoutes(log, bodies, metrics)
    search = SearchRoutes(log, bodies)
    return [
        web.post("/add", AddRoute(log, bodies, metrics).add, name="addLeaf"),
        web.post("/v1/entries", entries.append, name="appendEntries"),
        web.get("/v1/entries", search.by_query, name="findEntries"),
        web.post("/v1/entries/search", search.by_body, name="searchEntries"),
        web.get("/v1/entries/by-id/{id}", search.by_id, name="readEntryById"),
        web.get("/v1/entries/{index}", entries.read, name="readEntry"),
    ]


def _evidence(log: Log, bodies: BodyBudget, renderers: Renderers) -> list[web.RouteDef]:
    evidence = EvidenceRoutes(log, bodies, renderers.evidence)
    return [
        web.get("/v1/entries/{index}/evidence", evidence.of_one, name="evidence"),
        web.post("/v1/evidence", evidence.of_several, name="caseFile"),
    ]


def _drills(log: Log, bodies: BodyBudget) -> list[web.RouteDef]:
    drills = DrillRoutes(log, bodies)
    return [
        web.post("/v1/drills", drills.store, name="logDrill"),
        web.get("/v1/drills", drills.page, name="drills"),
        web.get("/v1/drills/window", drills.window, name="drillWindow"),
    ]


def _acts(log: Log, bodies: BodyBudget, renderers: Renderers) -> list[web.RouteDef]:
    erasures = ErasureRoutes(log, bodies)
    holds = HoldRoutes(log, bodies)
    retention = RetentionRoutes(log, bodies)
    acts = ActRoutes(log)
    access = SubjectAccessRoute(log, bodies, renderers)
    return [
        web.post("/v1/subject-access", access.export, name="subjectAccess"),
        web.post("/v1/erasures", erasures.erase, name="erase"),
        web.get("/v1/erasures", erasures.page, name="erasures"),
        web.post("/v1/holds", holds.place, name="placeHold"),
        web.get("/v1/holds", holds.all, name="holds"),
        web.post("/v1/holds/lift", holds.lift, name="liftHolds"),
        web.get("/v1/retention", retention.plan, name="retentionPlan"),
        web.post("/v1/retention/run", retention.run, name="retentionRun"),
        web.get("/v1/acts", acts.page, name="acts"),
        web.get("/v1/acts/{id}", acts.read, name="act"),
        web.post("/v1/acts/{id}/approve", acts.approve, name="approveAct"),
        web.post("/v1/acts/{id}/decline", acts.decline, name="declineAct"),
    ]


def _administration(log: Log, bodies: BodyBudget) -> list[web.RouteDef]:
    accesses = AccessRoutes(log, bodies)
    tokens = TokenRoutes(log, bodies)
    sources = SourceRoutes(log)
    return [
        web.get("/v1/sources", sources.all, name="sources"),
        web.get("/v1/access", accesses.by_entry, name="accesses"),
        web.post("/v1/access/search", accesses.by_body, name="searchAccesses"),
        web.post("/v1/tokens", tokens.issue, name="issueToken"),
        web.get("/v1/tokens", tokens.all, name="tokens"),
        web.post("/v1/tokens/{id}/revoke", tokens.revoke, name="revokeToken"),
    ]


def _public(log: Log, metrics: Metrics) -> list[web.RouteDef]:
    proofs = ProofRoutes(log)
    checkpoints = CheckpointRoutes(log)
    tiles = TileRoutes(log)
    health = HealthRoutes(log, metrics)
    return [
        web.get("/v1/entries/{index}/proof", proofs.proof_file, name="proofFile"),
        web.get("/v1/proofs/inclusion", proofs.inclusion, name="inclusionProof"),
        web.get("/v1/proofs/consistency", proofs.consistency, name="consistencyProof"),
        web.get("/v1/checkpoints", checkpoints.page, name="checkpoints"),
        web.get("/checkpoint", checkpoints.newest, name="checkpoint"),
        web.get(r"/tile/entries/{index:[\s\S]+}", tiles.tile, name="entryBundle"),
        web.get(r"/tile/{level}/{index:[\s\S]+}", tiles.tile, name="tile"),
        web.get("/healthz", health.alive, name="healthz"),
        web.get("/readyz", health.ready, name="readyz"),
        web.get("/metrics", health.metrics, name="metrics"),
        web.get("/openapi.json", OpenApiRoute().describe, name="openapi"),
    ]


def _login(
    log: Log, auth: Authenticator, identity: OpenedIdentity | None, signed_in: Finish | None
) -> list[web.RouteDef]:
    openid = None
    if identity is not None and identity.login is not None:
        finish = signed_in or OpenIdSessions(auth.sessions, log.accesses, identity.settings.roles).open
        openid = OpenId(identity.login, SealedLogins(urandom), finish, log.accesses.refused)
    routes = OpenIdRoutes(openid)
    return [
        web.get(START, routes.start, name="beginOpenIdLogin"),
        web.get(CALLBACK, routes.callback, name="endOpenIdLogin"),
    ]
