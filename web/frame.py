"""The frame around every page: templates, navigation, who is logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from tlog.formats.quorum import printable
from web import words
from web.headers import PAGE_HEADERS
from web.static_files import StaticFiles
from web.visitor import visitor_of


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the navigation."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A group of the navigation; `public` ones are shown to anybody."""

    title: str
    links: tuple[Link, ...]
    public: bool = False


NAVIGATION: Final = (
    Section(
        "The log",
        (
            Link("/ui/", "Overview"),
            Link("/ui/witnesses", "Witnesses"),
            Link("/ui/compare", "Compare checkpoints"),
        ),
        public=True,
    ),
    Section("Reference", (Link("/docs", "HTTP interface"),), public=True),
)


class Frame:
    """Renders pages of one log. Templates are compiled once."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.static = StaticFiles()
        self._templates = Environment(
            loader=PackageLoader("web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for filter_ in (words.number, words.moment, words.machine_time, words.short, words.root_text, words.ticks):
            self._templates.filters[filter_.__name__] = filter_
        self._templates.globals |= {
            "static": self.static.url,
            "origin": origin,
            "count": words.count,
            "ago": words.ago,
            "member_name": printable,
        }

    def page(self, request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
        """Return a page of `web/templates` with what it shows."""
        visitor = visitor_of(request)
        sections = [section for section in NAVIGATION if section.public or visitor is not None]
        body = self._templates.get_template(template).render(
            context, visitor=visitor, sections=sections, here=request.path
        )
        return web.Response(status=status, text=body, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)
