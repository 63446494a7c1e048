"""The frame around every page: templates, navigation, who is logged in."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from tlog.formats.quorum import printable
from tlog.http.sessions import FORM_TOKEN, Sessions
from web import words
from web.access_words import action_words, kind_words
from web.headers import PAGE_HEADERS
from web.labels import faults_of, in_labels, label_of
from web.navigation import sections_for
from web.static_files import StaticFiles
from web.visitor import visitor_of

_FILTERS: Final = (
    words.number,
    words.moment,
    words.machine_time,
    words.short,
    words.root_text,
    words.ticks,
    words.clock,
    words.json_block,
    words.as_typed,
    label_of,
    in_labels,
    action_words,
    kind_words,
)


class Frame:
    """Renders pages of one log. Templates are compiled once."""

    def __init__(self, origin: str, sessions: Sessions, *, openid: bool = False) -> None:
        self.origin = origin
        self.static = StaticFiles()
        self._sessions = sessions
        self._templates = Environment(
            loader=PackageLoader("web"),
            autoescape=True,
            finalize=words.visible,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {function.__name__: function for function in _FILTERS}
        self._templates.globals |= {
            "static": self.static.url,
            "origin": origin,
            "count": words.count,
            "ago": words.ago,
            "member_name": printable,
            "form_token_name": FORM_TOKEN,
            "openid": openid,
        }

    def page(self, request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
        """Return a page of `web/templates` with what it shows; `problem` is why a form was refused."""
        visitor = visitor_of(request, self._sessions.find(request))
        sections = sections_for(visitor, request.path)
        made = {"visitor": visitor, "sections": sections, "problem": None, "labels": {}} | context
        text = self._templates.get_template(template).render(made, faults=faults_of(made["problem"], made["labels"]))
        return web.Response(status=status, text=text, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)
