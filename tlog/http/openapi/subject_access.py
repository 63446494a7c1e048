"""The export for data subjects in `/openapi.json`."""

from __future__ import annotations

from tlog.audit.entry import JSON
from tlog.http.openapi.words import TEXT, Schema, operation, ref


def subject_access() -> Schema:
    """Return it by path."""
    whole = {"oneOf": [ref("SubjectAccess"), ref("ProvedAccess")]}
    content = {JSON: {"schema": whole}, "text/csv": {"schema": TEXT}, "text/html": {"schema": TEXT}}
    return {
        "/v1/subject-access": {
            "post": operation(
                "subjectAccess",
                "Every entry about one person, employees redacted (Art. 15 GDPR); for data protection officers",
                {"200": {"description": "The file, in the format asked for", "content": content}},
                body={JSON: {"schema": ref("SubjectAccessBody")}},
            )
        }
    }
