"""An act in words: what is done by it, on whose word, and what its state means. Pure.

Whoever must agree to an act reads this, so it says all that the log tells of it (`said` of `GET /v1/acts`), and nothing
of whom it is about: the log does not tell that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tlog.client.words import counted

Said = Mapping[str, Any]
STATES: Final[Mapping[str, str]] = {
    "pending": "waits for a second person; nothing is done yet",
    "begun": "under way",
    "applied": "carried out; its entry is being written",
    "done": "carried out, and an entry of the log",
    "declined": "somebody said no; nothing was done",
    "overtaken": "the log's own run did the same first",
    "refused": "not carried out; nothing was destroyed",
}
"""What each state of an act means."""
_WHAT: Final[Mapping[str, str]] = {
    "erasure": "Erase one person",
    "expiry": "Let entries expire whose period has ended",
    "hold": "Place a hold",
    "lift": "Lift a hold",
    "resume-expiry": "Let expiry go on by itself again",
    "grant": "Grant access",
}
_TEXTS: Final = (
    ("hold", "Hold"),
    ("cohort", "Cohort"),
    ("by", "Asked for by"),
    ("authorised_by", "On the authority of"),
    ("legal_basis", "Legal basis"),
    ("reason", "Reason"),
)
_REACHED: Final[Mapping[str, str]] = {"lift": "The hold covers now", "expiry": "Would expire now"}
_CREDENTIALS: Final = {
    "bearer": "a token",
    "certificate": "a client certificate",
    "link": "a link that logs in once",
}


def act_in_words(kind: str, said: Said | None) -> str:
    """Return what an act does, as a heading: `Grant access to jane as auditor`."""
    what, told = _WHAT.get(kind, kind), said or {}
    if kind == "erasure" and told.get("role") == "actor":
        return "Erase one person who acted"
    if kind == "grant" and "name" in told:
        return f"{what} to {told['name']} as {' and '.join(told.get('roles') or ['nothing'])}"
    return what


def act_details(kind: str, said: Said | None) -> list[tuple[str, str]]:
    """Return what else is told of an act, as (label, text), in the order of reading."""
    told = said or {}
    lines = [(label, str(told[name])) for name, label in _TEXTS if told.get(name)]
    return [*lines, *(_grant(told) if kind == "grant" else _reach(kind, told))]


def _reach(kind: str, told: Said) -> list[tuple[str, str]]:
    lines = []
    if told.get("entries") is not None:
        more = " or more" if told.get("entries_or_more") else ""
        lines.append((_REACHED.get(kind, "Would reach"), counted(told["entries"], "entry", "entries") + more))
    if told.get("held") is not None:
        lines.append(("On hold, and kept", counted(told["held"], "entry", "entries")))
    return lines


def _grant(told: Said) -> list[tuple[str, str]]:
    kind = str(told.get("credential", ""))
    as_what = [("By", _CREDENTIALS.get(kind, kind))] if kind else []
    if "name" not in told:
        return as_what
    limits = [
        f"{word} {', '.join(told[name])}"
        for name, word in (("sources", "sources"), ("classes", "retention classes"))
        if told.get(name)
    ]
    until = told.get("until")
    ends = "not before it is revoked" if until is None else f"{until[:10]} {until[11:19]} UTC"
    return [*as_what, ("Limited to", "; ".join(limits) or "no limit: all sources and classes"), ("Ends", ends)]
