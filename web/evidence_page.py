"""Evidence as one HTML file that verifies itself: it opens from disk, with no network, and needs nothing beside it.

It holds the evidence, the verifier (`web/static/verify`) with what that is made of, and the fields for people whose
browser runs no script. Its policy (Content-Security-Policy) lets the browser run exactly this script and this style,
by their hashes, and fetch nothing at all.

The same evidence always makes the same bytes, so `tlog verify` can say whether a page is the one that this version
makes. A page that somebody changed can say anything.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tlog.audit.disclosure import parse_disclosure
from tlog.audit.erased_part import said_of
from tlog.audit.evidence import Evidence, EvidenceEntry
from tlog.audit.evidence_html import embedded
from tlog.audit.printable import printable_lines
from web.bundle import bundle
from web.field_words import field_word

_WEB: Final = Path(__file__).parent
_STATIC: Final = _WEB / "static"
_OWN_LICENCE: Final = """This script is part of tlog, which is free software: you may share and change it under the GNU
General Public License, version 3 or later (https://www.gnu.org/licenses/). It comes without any warranty. Parts of it
are from others:"""


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """What the page says of an entry before anything is verified."""

    index: int
    fields: list[tuple[str, str | None, str]]
    hidden: int
    erasures: list[str]


def evidence_page(evidence: Evidence) -> bytes:
    """Return the page of this evidence, as UTF-8. Raises `MalformedDisclosure` for what is no disclosure."""
    script, style = _script(), _style()
    page = _template().render(
        origin=printable_lines(evidence.origin),
        made_at=printable_lines(evidence.made_at),
        entries=list(_entries(evidence)),
        data=Markup(embedded(evidence.encode())),  # noqa: S704 - what could end the block is escaped there
        script=Markup(script),  # noqa: S704 - our own files, checked by `bundle`
        style=Markup(style),  # noqa: S704 - our own file
        script_hash=_hash(script),
        style_hash=_hash(style),
    )
    return page.encode()


def _entries(evidence: Evidence) -> Iterator[ShownEntry]:
    for entry in evidence.entries:
        said = said_of(len(entry.digests), entry.erasures) if entry.erasures else []
        yield ShownEntry(entry.index, _fields(entry), len(entry.digests), said)


def _fields(entry: EvidenceEntry) -> list[tuple[str, str | None, str]]:
    """Return name, word and value of each field that is shown."""
    disclosures = sorted(entry.disclosures.items())
    return [(name, field_word(name), shown_value(parse_disclosure(text).value)) for name, text in disclosures]


def shown_value(value: Any) -> str:
    """Return a field's value for people: a string as it is, anything else as JSON; nothing invisible in either."""
    return printable_lines(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


@cache
def _template() -> Template:
    found = Environment(loader=FileSystemLoader(_WEB / "templates"), autoescape=True, undefined=StrictUndefined)
    return found.get_template("evidence/page.html")


@cache
def _script() -> str:
    return _licences() + bundle(_STATIC / "evidence" / "page.js", _STATIC)


def _licences() -> str:
    """Return the licences of the script as a comment: they must go with every copy, and a page is one."""
    vendored = sorted((_STATIC / "vendor").glob("*/LICENSE"))
    texts = [f"{path.parent.name}:\n\n{path.read_text(encoding='utf-8').strip()}" for path in vendored]
    return "/*\n" + "\n\n".join([_OWN_LICENCE, *texts]) + "\n*/\n"


@cache
def _style() -> str:
    return (_STATIC / "evidence.css").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
