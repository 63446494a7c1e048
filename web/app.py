"""Mounts the pages on the application of one log. Only the composition root calls it."""

from __future__ import annotations

from aiohttp import web

from tlog.http.app import GUARD
from tlog.service.identity.login import Login
from tlog.service.log import Log
from web.boundary import page_boundary
from web.frame import Frame
from web.interface import Interface
from web.pages.access import AccessPage
from web.pages.acts import ActsPage
from web.pages.compare import ComparePage
from web.pages.drills import DrillsPage
from web.pages.entry import EntryPages
from web.pages.holds import HoldsPage
from web.pages.login import LoginPage
from web.pages.overview import OverviewPage
from web.pages.people import PeoplePage
from web.pages.reference import ReferencePage
from web.pages.retention import RetentionPages
from web.pages.search import SearchPage
from web.pages.sources import SourcesPage
from web.pages.tokens import TokensPage
from web.pages.witnesses import WitnessesPage
from web.rules import admit
from web.see import see
from web.static_files import PREFIX


def add_pages(app: web.Application, log: Log, *, login: Login | None = None) -> None:
    """Add every page's route to an application that is not set up yet, and tell its guard who may see it.

    `login` is that with a provider, where people log in with one.
    """
    guard = app[GUARD]
    frame = Frame(log.signer.origin, guard.auth.sessions, openid=login is not None)
    app.middlewares.insert(0, page_boundary(frame))
    routes = _pages(app, log, frame, LoginPage(guard, log.tokens, log.accesses, frame, login))
    admit(guard, frozenset(route.kwargs["name"] for route in routes))
    app.add_routes(routes)


def _pages(app: web.Application, log: Log, frame: Frame, login: LoginPage) -> list[web.RouteDef]:
    interface = Interface(app)
    return [
        *_public(log, frame),
        web.get("/ui/login", login.show, name="ui.login"),
        web.post("/ui/login", login.by_token, name="ui.login.token"),
        web.get("/ui/login/link", login.link, name="ui.login.link"),
        web.post("/ui/login/link", login.by_link, name="ui.login.link.use"),
        web.post("/ui/logout", login.logout, name="ui.logout"),
        *_audit(app, log, interface, frame),
        *_protection(log, interface, frame),
    ]


def _public(log: Log, frame: Frame) -> list[web.RouteDef]:
    compare = ComparePage(log, frame)
    return [
        web.get("/", _to_overview, name="ui.start"),
        web.get("/ui", _to_overview, name="ui.short"),
        web.get("/ui/", OverviewPage(log, frame).show, name="ui.overview"),
        web.get("/ui/witnesses", WitnessesPage(log, frame).show, name="ui.witnesses"),
        web.get("/ui/compare", compare.show, name="ui.compare"),
        web.get("/ui/checkpoints/{size}", compare.note, name="ui.checkpoint"),
        web.get("/docs", ReferencePage(frame).show, name="ui.reference"),
        web.get(PREFIX + "/{version}/{path:.+}", frame.static.serve, name="ui.static"),
    ]


def _audit(app: web.Application, log: Log, interface: Interface, frame: Frame) -> list[web.RouteDef]:
    search, access = SearchPage(interface, frame), AccessPage(interface, frame)
    entry, own = EntryPages(interface, frame, log.policy), app[GUARD].auth.sessions.origin
    tokens = TokensPage(interface, frame, own, log.acts.now)
    return [
        web.get("/ui/search", search.show, name="ui.search"),
        web.post("/ui/search", search.run, name="ui.search.run"),
        web.get("/ui/entries/{index}", entry.show, name="ui.entry"),
        web.post("/ui/entries/{index}/evidence", entry.evidence, name="ui.entry.evidence"),
        web.get("/ui/access", access.show, name="ui.access"),
        web.post("/ui/access", access.run, name="ui.access.run"),
        web.get("/ui/sources", SourcesPage(log, frame).show, name="ui.sources"),
        web.get("/ui/drills", DrillsPage(interface, frame).show, name="ui.drills"),
        web.get("/ui/tokens", tokens.show, name="ui.tokens"),
        web.post("/ui/tokens", tokens.issue, name="ui.tokens.issue"),
        web.get("/ui/tokens/{id}/revoke", tokens.ask_revoke, name="ui.tokens.revoke.ask"),
        web.post("/ui/tokens/{id}/revoke", tokens.revoke, name="ui.tokens.revoke"),
    ]


def _protection(log: Log, interface: Interface, frame: Frame) -> list[web.RouteDef]:
    people, acts = PeoplePage(interface, frame, second_person=log.settings.second_person), ActsPage(interface, frame)
    retention, holds = RetentionPages(interface, frame), HoldsPage(interface, frame)
    return [
        web.get("/ui/people", people.show, name="ui.people"),
        web.post("/ui/people", people.plan, name="ui.people.plan"),
        web.post("/ui/people/erase", people.erase, name="ui.people.erase"),
        web.post("/ui/people/access", people.access, name="ui.people.access"),
        web.get("/ui/retention", retention.plan, name="ui.retention"),
        web.post("/ui/retention/run", retention.run, name="ui.retention.run"),
        web.get("/ui/holds", holds.show, name="ui.holds"),
        web.post("/ui/holds", holds.place, name="ui.holds.place"),
        web.get("/ui/holds/{hold}/lift", holds.ask_lift, name="ui.holds.lift.ask"),
        web.post("/ui/holds/lift", holds.lift, name="ui.holds.lift"),
        web.get("/ui/acts", acts.show, name="ui.acts"),
        web.get("/ui/acts/{id}", acts.one, name="ui.act"),
        web.get("/ui/acts/{id}/approve", acts.ask_approve, name="ui.acts.approve.ask"),
        web.get("/ui/acts/{id}/decline", acts.ask_decline, name="ui.acts.decline.ask"),
        web.post("/ui/acts/{id}/approve", acts.approve, name="ui.acts.approve"),
        web.post("/ui/acts/{id}/decline", acts.decline, name="ui.acts.decline"),
    ]


async def _to_overview(request: web.Request) -> web.Response:
    del request
    return see("/ui/")
