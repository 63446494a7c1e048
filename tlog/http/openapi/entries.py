"""Appending, looking up, reading and proving entries."""

from __future__ import annotations

from tlog.audit.entry import JSON, NDJSON
from tlog.audit.evidence import MAX_ENTRIES as MAX_FILE_ENTRIES
from tlog.http.entries import DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, STAGES
from tlog.http.evidence import FORMATS
from tlog.http.limits import MAX_ENTRIES_BODY_BYTES, MAX_LEAF_BODY_BYTES
from tlog.http.openapi.words import BINARY, NUMBER, TEXT, Schema, answer_of, operation, path, query, ref
from tlog.http.search_description import search_description, search_schema
from tlog.service.intake import MAX_ENTRIES


def appends() -> Schema:
    """Return the paths that append, and those that find."""
    entries = {JSON: {"schema": {"oneOf": [ref("Entry"), _array_of_entries()]}}, NDJSON: {"schema": TEXT}}
    stage = {"enum": list(STAGES), "default": "durable"}
    seconds = {**NUMBER, "maximum": MAX_WAIT_SECONDS, "default": DEFAULT_WAIT_SECONDS}
    return {
        "/v1/entries": {
            "post": operation(
                "appendEntries",
                f"Append audit entries, all or none; at most {MAX_ENTRIES} in {MAX_ENTRIES_BODY_BYTES} bytes",
                {
                    "200": answer_of("All were stored already", ref("Appended")),
                    "201": answer_of("Stored, durably", ref("Appended")),
                    "202": answer_of("Stored, but `wait` was not reached in time", ref("Appended")),
                },
                parameters=[
                    query("wait", "how far the entries must be before the answer", stage),
                    query("timeout", "seconds to wait for that", seconds),
                ],
                body=entries,
            ),
            "get": operation(
                "findEntries",
                "Entries that match all filters, newest logged first; a source finds its own",
                {"200": answer_of("One page", ref("EntryPage"))},
                parameters=[query(name, text, schema) for name, text, schema in search_description()],
            ),
        },
        "/v1/entries/search": {
            "post": operation(
                "searchEntries",
                "As GET /v1/entries, with the filters in the body, so that ids of people stay out of URLs",
                {"200": answer_of("One page", ref("EntryPage"))},
                body={JSON: {"schema": search_schema()}},
            )
        },
        "/add": {
            "post": operation(
                "addLeaf",
                f"Append a leaf that its producer sealed: at most {MAX_LEAF_BODY_BYTES} bytes in a log of raw leaves; "
                "32 where `sealed_by_producers` is set, else refused",
                {"200": answer_of("Its index in decimal and a newline", TEXT, "text/plain")},
                body={"application/octet-stream": {"schema": BINARY}},
            )
        },
    }


def reads() -> Schema:
    """Return the paths of one entry and of evidence."""
    index = path("index", "the entry's index, from 0", NUMBER)
    return {
        "/v1/entries/{index}": {
            "get": operation(
                "readEntry",
                "What can still be read of an entry, for its source and for auditors",
                {"200": answer_of("The entry", ref("EntryAnswer"))},
                parameters=[index],
            )
        },
        "/v1/entries/by-id/{id}": {
            "get": operation(
                "readEntryById",
                "As GET /v1/entries/{index}, by the entry's id",
                {"200": answer_of("The entry", ref("EntryAnswer"))},
                parameters=[path("id", "the entry's id", {"type": "string", "format": "uuid"})],
            )
        },
        "/v1/entries/{index}/proof": {
            "get": operation(
                "proofFile",
                "The entry's .tlog-proof file under the newest published checkpoint (c2sp.org/tlog-proof)",
                {"200": answer_of("The file", TEXT, "text/plain")},
                parameters=[index],
            )
        },
        "/v1/entries/{index}/evidence": {
            "get": operation(
                "evidence",
                "A file that proves the entry offline, and between which times it was logged (docs/evidence.md)",
                {"200": _evidence_file()},
                parameters=[
                    index,
                    query("disclose", "fields and groups to show, with commas; `core` (default) or `all`", TEXT),
                    query("redact", "fields and groups not to show", TEXT),
                    query(
                        "format", "`html` is a page that verifies itself", {"enum": list(FORMATS), "default": "json"}
                    ),
                ],
            )
        },
        "/v1/evidence": {
            "post": operation(
                "caseFile",
                f"As GET /v1/entries/{{index}}/evidence, of up to {MAX_FILE_ENTRIES} entries in one file",
                {"200": _evidence_file()},
                body={JSON: {"schema": ref("EvidenceBody")}},
            )
        },
    }


def _evidence_file() -> Schema:
    html = {FORMATS["html"]: {"schema": TEXT}}
    return {"description": "The file", "content": {JSON: {"schema": ref("Evidence")}, **html}}


def _array_of_entries() -> Schema:
    return {"type": "array", "items": ref("Entry"), "minItems": 1, "maxItems": MAX_ENTRIES}
