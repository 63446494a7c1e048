"""The export for data subjects in `/openapi.json`."""

from __future__ import annotations

from tlog.audit.entry import JSON
from tlog.http.openapi.words import TEXT, Schema, operation, ref
from tlog.http.subject_access import KNOWN

_KNOWN: Schema = {
    "description": "Whether any entry that may be read is about somebody of this id; no: it may be mistyped",
    "schema": {"type": "string", "enum": ["yes", "no"]},
}


def subject_access() -> Schema:
    """Return it by path."""
    whole = {"oneOf": [ref("SubjectAccess"), ref("ProvedAccess")]}
    content = {JSON: {"schema": whole}, "text/csv": {"schema": TEXT}, "text/html": {"schema": TEXT}}
    return {
        "/v1/subject-access": {
            "post": operation(
                "subjectAccess",
                "Every entry about one person, employees redacted (Art. 15 GDPR); for data protection officers",
                {
                    "200": {
                        "description": "The file, in the format asked for",
                        "content": content,
                        "headers": {KNOWN: _KNOWN},
                    }
                },
                body={JSON: {"schema": ref("SubjectAccessBody")}},
            )
        }
    }
