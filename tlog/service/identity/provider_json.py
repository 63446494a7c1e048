"""JSON of an identity provider: a bounded object without repeated members, read with typed members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson

from tlog.audit.strict_json import json_fault
from tlog.errors import TlogError

_Member = TypeVar("_Member", str, bool)


def parse_object(data: bytes, what: str, refusal: type[TlogError]) -> dict[str, Any]:
    """Return a JSON object. Raises `refusal`, which says what is wrong with `what` and quotes nothing."""
    fault = json_fault(data)
    if fault is not None:
        raise refusal(f"{what}: {fault}")
    value = orjson.loads(data)
    if not isinstance(value, dict):
        raise refusal(f"{what}: not a JSON object")
    return value


def member(document: Mapping[str, Any], name: str, kind: type[_Member], refusal: type[TlogError]) -> _Member | None:
    """Return a member, None where it is missing or null. Raises `refusal` for one of another type, or an empty text."""
    value: object = document.get(name)
    if value is None:
        return None
    if isinstance(value, kind) and value != "":
        return value
    raise refusal(f"{name}: not of type {kind.__name__}, or empty")


def texts(document: Mapping[str, Any], name: str, refusal: type[TlogError]) -> tuple[str, ...] | None:
    """Return a member that is a list of texts, None where it is missing. Raises `refusal`."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refusal(f"{name}: not a list of texts")
    return tuple(value)
