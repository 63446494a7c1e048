"""Which JSON texts the log accepts: what RFC 8259 leaves open is closed here.

UTF-8 without a byte order mark; no object with two members of one name (RFC 8259 section 4 leaves their
meaning open, so two readers of one disclosure could see two values); no nesting deeper than `MAX_DEPTH`; no
lone surrogates; numbers within the range of a double.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

import orjson

MAX_DEPTH = 64  # arrays and objects open at once, the outermost included
REPEATED = "an object names the same field twice"

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_STEP = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class _RepeatedMember(ValueError):
    """An object names a member twice."""


def json_fault(data: bytes) -> str | None:
    """Return why `data` is not an acceptable JSON text, or None. The answer never quotes the data."""
    try:
        data.decode()
        value = orjson.loads(data)
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    except orjson.JSONDecodeError as error:
        return _syntax(error)
    if _may_be_deep(data) and json_depth(data) > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH} levels"
    return REPEATED if _may_repeat(data, value) and _repeats(data) else None


def json_depth(data: bytes) -> int:
    """Return how many arrays and objects are open at once, at most, in a JSON text (0 for a scalar)."""
    return max(accumulate(_STEP.get(byte, 0) for byte in _STRING.sub(b"", data)), default=0)


def _syntax(error: orjson.JSONDecodeError) -> str:
    message = error.msg.split(": line ")[0]
    return f"not JSON: {message} at line {error.lineno} column {error.colno} (character {error.pos})"


def _may_be_deep(data: bytes) -> bool:
    return data.count(b"{") + data.count(b"[") > MAX_DEPTH


def _may_repeat(data: bytes, value: Any) -> bool:
    # Without a backslash every quotation mark delimits a string, and reading drops a string only with a repeated
    # member; so equal counts after reading and writing prove that none was. Much faster than looking at each object.
    return b"\\" in data or orjson.dumps(value).count(b'"') != data.count(b'"')


def _repeats(data: bytes) -> bool:
    try:
        json.loads(data, object_pairs_hook=_unique_members, parse_int=len, parse_float=len)
    except _RepeatedMember:
        return True
    return False


def _unique_members(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _RepeatedMember
