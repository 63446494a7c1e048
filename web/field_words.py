"""The words for the fields of an entry, as people read them. Pure, and imports nothing of the server."""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = {
    "action": "Action",
    "crud": "Kind of access",
    "outcome": "Outcome",
    "purpose": "Purpose",
    "legal_basis": "Legal basis",
    "policy": "Policy",
    "decision_id": "Decision",
    "granted_by": "Granted by",
    "source": "Source",
    "seq": "Number of the source",
    "id": "Id",
    "occurred_at": "Occurred",
    "received_at": "Received",
    "retention": "Retention class",
    "schema": "Schema",
    "type": "Type",
    "name": "Name",
    "role": "Role",
    "organization": "Organization",
    "ip": "Address",
    "user_agent": "Program",
    "session": "Session",
    "trace_id": "Trace",
    "request_id": "Request",
}
GROUPS: Final = {"actor": "Who acted", "correlation": "Correlation", "authorization": "Authorization"}
WHOLE: Final = {"targets": "Targets", "details": "Details", "subjects": "Whose data"}


def field_word(name: str) -> str | None:
    """Return the word for a field by its dotted name: `Who acted: name` for `actor.name`; None where there is none.

    web/static/evidence/field_words.js does the same in a browser.
    """
    if name in WORDS:
        return WORDS[name]
    if (whole := re.fullmatch(r"(targets|details|subjects)(?:\[\d+\])?", name, re.ASCII)) is not None:
        return WHOLE[whole[1]]
    group, _, member = name.partition(".")
    return f"{GROUPS[group]}: {WORDS[member].lower()}" if group in GROUPS and member in WORDS else None
