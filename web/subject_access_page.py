"""An export for a data subject as one HTML file: it needs nothing else, runs nothing, and prints well.

Every value is escaped. The file carries a Content-Security-Policy of its own that allows its one style sheet, by hash,
and nothing more, so that not even a mistake here could make what an entry says run or load anything.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tlog.audit.subject_access import SubjectAccess
from tlog.audit.subject_access_summary import category

_LEFT_OUT: Final = {
    "actor.id": "id of who acted",
    "actor.name": "name of who acted",
    "actor.ip": "address of who acted",
    "actor.user_agent": "program of who acted",
    "actor.session": "session of who acted",
    "actor.role": "role of who acted: the text names somebody",
    "actor.organization": "organization of who acted: the text names somebody",
    "purpose": "purpose: the text names somebody else",
    "legal_basis": "legal basis: the text names somebody else",
    "data (in part)": "parts of your data that name somebody else",
    "targets.id": "ids of what it was about",
    "targets.name": "names of what it was about",
    "targets (in part)": "parts of what it was about that name somebody else",
    "details (in part)": "parts of the details that name somebody else",
    "authorization": "which rule allowed it",
    "correlation": "identifiers in other systems",
}
_MUCH: Final = 3
_FOLDER: Final = Path(__file__).parent / "templates" / "subject_access"


def subject_access_page(export: SubjectAccess) -> bytes:
    """Return the HTML file's bytes, UTF-8."""
    template, style = _parts()
    policy = f"default-src 'none'; style-src 'sha256-{_hash(style)}'; base-uri 'none'; form-action 'none'"
    # The style sheet is a file of ours, and its bytes are what the policy's hash is of: nothing in it is a value.
    return template.render(export=export, style=Markup(style), policy=policy).encode()  # noqa: S704


@cache
def _parts() -> tuple[Template, str]:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "category": category, "shown": shown, "left_out": left_out}
    return environment.get_template("page.html"), (_FOLDER / "page.css").read_text(encoding="utf-8")


def moment(text: str | None) -> str:
    """Return an RFC 3339 time for people, to the second, in UTC."""
    return "" if text is None else f"{text[:10]} {text[11:19]} UTC"


def shown(value: Any) -> str:
    """Return JSON data as text, indented unless that makes it much longer: deep nesting would make a page huge."""
    plain, indented = (json.dumps(value, ensure_ascii=False, indent=indent) for indent in (None, 1))
    return indented if len(indented) <= _MUCH * len(plain) else plain


def left_out(name: str) -> str:
    """Return in words what of an entry is not shown."""
    return _LEFT_OUT.get(name, name)


def _hash(style: str) -> str:
    return b64encode(sha256(style.encode()).digest()).decode()
