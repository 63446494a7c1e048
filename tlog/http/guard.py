"""The guard before every route: who asks, whether they may, and the entry that logs it.

A route is public, or has a rule; one that has neither is not served. For a guarded route:

1. find the principal; whoever shows no valid credential is refused, and that is logged;
2. refuse who asks too often, or has not the right: a denied request counts as any other;
3. let the handler make its answer, whole, in memory;
4. log the request: who, what, which entries, and how it ended. Durable before the answer leaves;
5. answer. What could not be logged is not answered with what was asked for.

A crash between 4 and 5: the log says that something was shown which was not. The other way round can't be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from tlog.errors import Forbidden, NotLogged, TlogError, TooManyRequests, Unauthorized
from tlog.http import problem
from tlog.http.auth import Authenticator
from tlog.http.noted import NOTED, PRINCIPAL, Noted
from tlog.http.rules import PUBLIC, RULES, Logged, Rule
from tlog.service.access_log import Access, AccessLog, Outcome
from tlog.service.principal import Right
from tlog.service.rate_limit import RateLimit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SERVER_ERROR: Final = 500


class Guard:
    """Belongs to one event loop. `rules` and `public` may be added to by who mounts more routes."""

    def __init__(
        self,
        auth: Authenticator,
        accesses: AccessLog,
        limit: RateLimit,
        rules: Mapping[str, Rule] = RULES,
        public: frozenset[str] = PUBLIC,
    ) -> None:
        self.auth = auth
        self._accesses = accesses
        self.limit = limit
        self.rules = dict(rules)
        self.public = set(public)

    def middleware(self) -> Any:
        """Return the middleware."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            name = request.match_info.route.name or "a route without a name"
            if request.match_info.http_exception is not None or name in self.public:
                return await handler(request)  # what is not there has no route to guard
            return await self._guarded(request, handler, name, self.rules[name])

        return guard

    async def _guarded(self, request: web.Request, handler: Handler, name: str, rule: Rule) -> web.StreamResponse:
        try:
            principal = await self.auth.principal(request)
        except (Unauthorized, Forbidden):  # Forbidden: the identity provider knows them, and no role here is theirs
            await self._accesses.refused(name)
            raise
        request[PRINCIPAL], request[NOTED] = principal, Noted()
        try:
            if Right.APPEND not in rule.rights or not principal.may(Right.APPEND):  # appends have the queue's bounds
                self.limit.take(principal.id)
            principal.require(*rule.rights)
            response = await handler(request)
        except TlogError as error:
            await self._log_refusal(request, name, rule, error)
            raise
        except Exception as error:
            await self._log_refusal(request, name, rule, error)
            raise
        if _is_logged(rule, request[NOTED]):
            outcome: Outcome = "allowed" if response.status < 400 else "failed"
            await self._log(request, name, rule, outcome, {"status": response.status})
        return response

    async def _log_refusal(self, request: web.Request, name: str, rule: Rule, error: Exception) -> None:
        """Log a request that is refused. What the log can't take anyway is refused with its own reason."""
        kind = problem.kind_of(error)
        denied = isinstance(error, Forbidden)
        if isinstance(error, TooManyRequests):
            await self._accesses.refused(name, request[PRINCIPAL].actor())
        elif denied or rule.logged is not Logged.DENIED:
            details = {"status": int(kind.status), "problem": kind.slug}
            try:
                await self._log(request, name, rule, "denied" if denied else "failed", details)
            except NotLogged:
                if kind.status < _SERVER_ERROR and not denied:
                    raise

    async def _log(
        self, request: web.Request, name: str, rule: Rule, outcome: Outcome, details: Mapping[str, Any]
    ) -> None:
        noted = request[NOTED]
        said = {"operation": name, **details, **noted.details}
        about = list(dict.fromkeys(noted.indices)) if outcome != "failed" else ()  # a page may read one twice
        await self._accesses.record(Access(request[PRINCIPAL], rule.action, outcome, said, about, noted.person))


def _is_logged(rule: Rule, noted: Noted) -> bool:
    return rule.logged is Logged.ALWAYS or (rule.logged is Logged.UNLESS_ACTED and noted.read)
