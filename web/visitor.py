"""Who looks at a page, as the frame shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from tlog.http.sessions import SESSION, Session
from tlog.service.principal import Right


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody logged in: their name and roles to show, their rights, and the token of their session's forms."""

    name: str
    roles: tuple[str, ...]
    rights: frozenset[Right]
    form_token: str

    def may(self, rights: Iterable[Right]) -> bool:
        """Tell whether they have one of these rights."""
        return any(right in self.rights for right in rights)


def visitor_of(request: web.Request, session: Session | None) -> Visitor | None:
    """Return who is logged in, None for anybody else. `session` is that of a public page, where nobody asked for it."""
    found = request.get(SESSION) or session
    if found is None:
        return None
    principal = found.principal
    rights = frozenset(right for right in Right if principal.may(right))
    return Visitor(principal.name, tuple(sorted(principal.roles)), rights, found.form_token)
