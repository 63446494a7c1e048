"""The parameters of a look-up as `/openapi.json` describes them, made from the table that checks them."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from tlog.http.search_parameters import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT, TEXTS, TIME_FORM, TIMES

_SAID: Final = {
    "actor_type": "type of who acted; with actor_id",
    "actor_id": "id of who acted; with actor_type",
    "subject": "id of a person whose data were touched",
    "target_type": "type of what was acted on; with target_id",
    "target_id": "id of what was acted on; with target_type",
    "action": "that action, or one below it by dots: patient.record also finds patient.record.read",
    "source": "the producer",
    "outcome": "what became of it",
    "retention": "retention class",
    "correlation": "a trace id or request id",
    "occurred_from": "not before this, by the producer's clock",
    "occurred_to": "before this, by the producer's clock",
    "received_from": "not before this, by the log's clock",
    "received_to": "before this, by the log's clock",
}


def search_description() -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, description and schema of every parameter."""
    texts = [(name, _SAID[name], _schema(kind)) for name, kind in TEXTS.items()]
    times = [(name, f"{_SAID[name]}: {TIME_FORM}", {"type": "string"}) for name in TIMES]
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    cursor = {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR}
    return [
        *texts,
        *times,
        ("limit", "entries a page, at most", limit),
        ("cursor", "`next` of the page before; the filters must be the same", cursor),
    ]


def search_schema() -> dict[str, Any]:
    """Return the schema of the JSON object with the same members."""
    members = {name: schema | {"description": text} for name, text, schema in search_description()}
    return {"type": "object", "properties": members, "additionalProperties": False}


def _schema(kind: Any) -> dict[str, Any]:
    text = json.dumps(msgspec.json.schema(kind)).replace("\\\\Z", "$")
    return dict(json.loads(text))
