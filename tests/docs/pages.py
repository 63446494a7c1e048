"""The pages of the documentation, and what can be read out of Markdown without a library: links, code, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKED = re.compile(r"<!-- test: (?P<mark>[\w-]+) -->\n```\w*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its fenced code."""
        return _FENCE.sub("", self.text)

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def inline_code(self) -> list[str]:
        return _INLINE.findall(self.prose)

    def fences(self, language: str) -> list[str]:
        return [found["code"] for found in _FENCE.finditer(self.text) if found["language"] == language]

    def marked(self, mark: str) -> list[str]:
        """The code blocks that stand right below `<!-- test: mark -->`."""
        return [found["code"] for found in _MARKED.finditer(self.text) if found["mark"] == mark]

    def anchors(self) -> set[str]:
        """The anchors of the headings, as GitHub makes them."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(self.prose)}

    def rows(self) -> Iterator[list[str]]:
        """The cells of every table row, without heads and rulers."""
        for line in self.prose.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("|") and not set(line) <= set("|- "):
                yield cells


def pages() -> list[Page]:
    """Every page: those at the top and all below docs/."""
    return [Page(ROOT / name) for name in TOP] + [Page(path) for path in sorted((ROOT / "docs").rglob("*.md"))]


def page(name: str) -> Page:
    return Page(ROOT / name)
