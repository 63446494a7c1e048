"""The navigation: which pages there are, who is shown the way to them, and where one is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tlog.service.principal import Right
from web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the navigation, for those who have one of `rights`; for everybody where there are none.

    `below` are the starts of paths that belong to it as well; `here` marks the page that is shown.
    """

    path: str
    text: str
    rights: tuple[Right, ...] = ()
    below: tuple[str, ...] = ()
    here: bool = False

    def shown_to(self, visitor: Visitor | None) -> bool:
        """Tell whether the line is shown."""
        return not self.rights or (visitor is not None and visitor.may(self.rights))

    def is_at(self, path: str) -> bool:
        """Tell whether a path belongs to it."""
        return path == self.path or path.startswith(self.below)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of lines."""

    title: str
    links: tuple[Link, ...]


NAVIGATION: Final = (
    Section(
        "The log",
        (
            Link("/ui/", "Overview"),
            Link("/ui/witnesses", "Witnesses"),
            Link("/ui/compare", "Compare checkpoints"),
        ),
    ),
    Section(
        "Audit",
        (
            Link("/ui/search", "Search", (Right.READ,), ("/ui/entries/",)),
            Link("/ui/access", "Who looked", (Right.WATCH,)),
            Link("/ui/sources", "Sources", (Right.OVERSEE,)),
            Link("/ui/drills", "Drills", (Right.OVERSEE,)),
        ),
    ),
    Section(
        "Data protection",
        (
            Link("/ui/people", "People", (Right.GIVE,), ("/ui/people/",)),
            Link("/ui/retention", "Retention", (Right.PROTECT,), ("/ui/retention/",)),
            Link("/ui/holds", "Holds", (Right.PROTECT,), ("/ui/holds/",)),
            Link("/ui/acts", "Acts", (Right.PROTECT, Right.ADMINISTER), ("/ui/acts/",)),
        ),
    ),
    Section("Administration", (Link("/ui/tokens", "Tokens and roles", (Right.ADMINISTER,)),)),
    Section("Reference", (Link("/docs", "HTTP interface"),)),
)


def sections_for(visitor: Visitor | None, path: str) -> list[Section]:
    """Return what is shown to somebody who is at `path`, without what they may not see."""
    shown = (
        Section(
            section.title,
            tuple(replace(link, here=link.is_at(path)) for link in section.links if link.shown_to(visitor)),
        )
        for section in NAVIGATION
    )
    return [section for section in shown if section.links]
