"""An entry with a word planted in every field that may name somebody, and what must not be told of it."""

from __future__ import annotations

from typing import Any

from tests.support import entry_document
from tlog.audit.opened import OpenedEntry
from tlog.audit.subject_access import FORMAT, AccessEntry, RetentionPeriod, SubjectAccess, Unreadable
from tlog.audit.subject_access_summary import summary_of
from tlog.audit.subject_access_view import View, Viewer, names_of
from tlog.audit.subject_access_words import not_included

PERSON = "p-4711"
ACTOR = {
    "type": "employee",
    "id": "e-hidden-1007",
    "name": "Dr. Ada Hidden",
    "role": "nurse",
    "organization": "City Hospital",
    "ip": "203.0.113.77",
    "user_agent": "HiddenBrowser/9.1",
    "session": "session-hidden-QX77",
}
OTHER = {"id": "p-other-8812", "data": {"name": "Otto Otherwise", "diagnosis": "hidden-diagnosis"}}
EMPLOYEE_WORDS = tuple(ACTOR[name] for name in ("id", "name", "ip", "user_agent", "session"))
OTHER_WORDS = ("p-other-8812", "Otto Otherwise", "hidden-diagnosis")
SHARED_WORDS = ("target-hidden-55", "Record of somebody", "note-hidden-31")
TECHNICAL_WORDS = ("trace-hidden-1", "request-hidden-2", "decision-hidden-3", "policy-hidden-4")
HIDDEN = (*EMPLOYEE_WORDS, *OTHER_WORDS, *SHARED_WORDS, *TECHNICAL_WORDS)
"""What no export shows unless it is asked for; with details, `SHARED_WORDS` are shown."""


def planted(**fields: Any) -> dict[str, Any]:
    """Return an entry about `PERSON` and somebody else, in which every planted word stands somewhere."""
    document = {
        "actor": ACTOR,
        "legal_basis": "GDPR Art. 9(2)(h)",
        "authorization": {"policy": "policy-hidden-4", "decision_id": "decision-hidden-3"},
        "targets": [{"type": "record", "id": "target-hidden-55", "name": "Record of somebody"}],
        "subjects": [
            OTHER,
            {"id": PERSON, "data": {"fields": ["allergies"], "read_by": "E-HIDDEN-1007", "p-other-8812": "brother"}},
        ],
        "correlation": {"trace_id": "trace-hidden-1", "request_id": "request-hidden-2"},
        "details": {"note": "note-hidden-31", "asked_by": "for Dr. Ada Hidden", "also": ["p-other-8812", 3]},
    }
    return entry_document(**document | fields)


def opened(document: dict[str, Any], *erased: str) -> OpenedEntry:
    """Return an entry as if it had just been opened."""
    said = {"retention": "standard", "received_at": "2026-03-01T09:30:01.000000Z", **document}
    return OpenedEntry(said, {}, erased, ())


def shown(document: dict[str, Any], *erased: str, person: str = PERSON, include_details: bool = False) -> AccessEntry:
    """Return what a person is told of an entry."""
    return viewed(opened(document, *erased), person, include_details=include_details).entry


def viewed(entry: OpenedEntry, person: str = PERSON, *, include_details: bool = False) -> View:
    """Return what a person is told of an entry, and what may be proved of it."""
    return Viewer(person, names_of(person, entry), include_details=include_details).view(0, entry, None)


def export(*entries: AccessEntry, unreadable: tuple[Unreadable, ...] = (), **fields: Any) -> SubjectAccess:
    """Return an export of these entries; `fields` replace what else it says."""
    said: dict[str, Any] = {
        "format": FORMAT,
        "origin": "example.com/log",
        "made_at": "2026-04-01T10:00:00.000000Z",
        "act": "01a20642-cbbc-728e-bf2b-3ea96f9ffe23",
        "subject": PERSON,
        "known": True,
        "notice": None,
        "tree_size": 1000,
        "start": None,
        "end": None,
        "limited_to": None,
        "include_details": False,
        "retention": [RetentionPeriod(name="standard", months=12, reason="finding misuse")],
        "summary": summary_of(entries),
        "entries": list(entries),
        "unreadable": list(unreadable),
        "not_included": not_included(include_details=False),
    }
    return SubjectAccess(**said | fields)
