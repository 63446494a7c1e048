"""Texts that are evidence, or not, by the letter of JSON and by their members."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.web.mangled_files import GOOD
from tests.web.material import INDEX

DATA = GOOD.encode()
ACT = "01a20642-cbbc-728e-bf2b-3ea96f9ffe23"
OTHER_TYPES: tuple[Any, ...] = (None, 1, "x", [], {}, [[]], [None], True)
OTHER_MEMBERS: tuple[Any, ...] = (None, 1, "x", [], {}, [1], {"x": 1}, -1)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA)
    return found


def json_texts() -> Iterator[tuple[str, bytes]]:
    """Yield texts that are evidence or not by the letter of JSON."""
    text = DATA.decode()
    yield from {
        "empty": b"",
        "a byte order mark": b"\xef\xbb\xbf" + DATA,
        "UTF-16": text.encode("utf-16"),
        "not UTF-8": DATA.replace(b"treatment", b"\xff") + b"\xff",
        "two documents": DATA + DATA,
        "a member twice": text.replace('"origin"', '"origin": "x", "origin"', 1).encode(),
        "a member twice, escaped": text.replace('"origin"', '"\\u006frigin": "x", "origin"', 1).encode(),
        "a member of an entry twice": text.replace('"index"', '"index": 1, "index"', 1).encode(),
        "a comma too many": text.replace('"origin"', ',"origin"', 1).encode(),
        "a comment": text.replace("{", "{/**/", 1).encode(),
        "deep": b'{"format": ' + b"[" * 70 + b"]" * 70 + b"}",
        "very deep": b"[" * 100_000,
        "a vertical tab": b"\x0b" + DATA,
        "a no-break space": b"\xc2\xa0" + DATA,
        "an array": b"[]",
        "escaped": text.replace("tlog-evidence", "tlog\\u002devidence", 1).encode(),
        "a slash escaped": text.replace('"tlog-evidence/v1"', '"tlog-evidence\\/v1"', 1).encode(),
        "a wrong escape": text.replace('"tlog-evidence/v1"', '"tlog-evidence\\x2fv1"', 1).encode(),
        "a lone surrogate": text.replace("2026-03-01", "\\ud800", 1).encode(),
        "surrogates turned round": text.replace("2026-03-01", "\\ude00\\ud83d", 1).encode(),
        "cut": DATA[: len(DATA) // 2],
        "white space before": b" \n\t\r" + DATA,
        "zero byte after": DATA + b"\0",
    }.items()
    for number in ("5.0", "5e0", "-0", "-5", "+5", "05", "5.", '"5"', "true", "null", str(2**63), str(2**64), "1e400"):
        yield f"the index {number}", text.replace(f'"index": {INDEX}', f'"index": {number}', 1).encode()


def changed_members() -> Iterator[tuple[str, bytes]]:
    """Yield documents with a member too many, too few, or of another type, at each level."""
    erasure = {"part": "shared", "act": ACT, "at": None, "index": 12}
    base = document()
    for name in base:
        yield f"without {name}", json.dumps({k: v for k, v in base.items() if k != name}).encode()
        for value in OTHER_TYPES:
            yield f"{name} is {value!r}", json.dumps(base | {name: value}).encode()
    [entry] = base["entries"]
    for name in entry:
        yield f"entry without {name}", _entry(base, {k: v for k, v in entry.items() if k != name})
        for value in OTHER_MEMBERS:
            yield f"entry's {name} is {value!r}", _entry(base, entry | {name: value})
    yield "an unknown member", json.dumps(base | {"more": 1}).encode()
    yield "a member named as what objects have", json.dumps(base | {"__proto__": 1}).encode()
    yield "an unknown member of an entry", _entry(base, entry | {"more": 1})
    hidden = json.loads(GOOD.redacted(lambda name: name == "purpose").encode())["entries"][0]
    for change in (
        *({}, {"more": 1}, {"index": None}, {"at": "2026-03-01T09:30:00Z"}, {"at": "2026-03-01"}, {"at": "x"}),
        *({"part": "core"}, {"part": "subjects[0]"}, {"part": "subjects[00]"}, {"part": "subjects[9999]"}),
        *({"act": "x"}, {"act": ACT.upper()}, {"index": -1}, {"index": 2**70}, {"index": "1"}),
        *({"part": "shared\n"}, {"at": "2026-03-01T09:30:00Z\n"}),
    ):
        yield f"an erasure with {change}", _entry(base, hidden | {"erasures": [erasure | change]})
    for name, many in (("digests", 513), ("inclusion", 64), ("erasures", 513)):
        yield f"{many} {name}", _entry(base, entry | {name: [entry["leaf"]] * many})
    yield "a consistency proof of 127", json.dumps(base | {"consistency": [[entry["leaf"]] * 127]}).encode()
    yield "a long origin", json.dumps(base | {"origin": "😀" * 255}, ensure_ascii=False).encode()
    yield "a longer origin", json.dumps(base | {"origin": "😀" * 256}, ensure_ascii=False).encode()
    yield "an empty origin", json.dumps(base | {"origin": ""}).encode()
    yield "501 entries", json.dumps(base | {"entries": [entry] * 501}).encode()
    yield "1001 checkpoints", json.dumps(base | {"checkpoints": ["x"] * 1001}).encode()


def _entry(base: dict[str, Any], entry: dict[str, Any]) -> bytes:
    return json.dumps(base | {"entries": [entry]}).encode()
