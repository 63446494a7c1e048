"""Arbitrary valid entries, as the JSON text a service would send and as the data it stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

_line = st.characters(codec="utf-8", exclude_characters=[*map(chr, range(32)), "\x7f"])
lines = st.text(_line, min_size=1, max_size=40)
ids = st.one_of(st.from_regex(r"[a-z]{1,8}-[0-9]{1,6}", fullmatch=True), lines)
type_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:/-]{0,20}", fullmatch=True)
any_text = st.text(st.characters(codec="utf-8"), max_size=30)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)
json_objects = st.dictionaries(any_text, json_values, max_size=4)


@dataclass(frozen=True)
class Sample:
    """One entry: its JSON text, the data it stands for, and the exact text of its free objects by path."""

    data: bytes
    entry: dict[str, Any]
    raw: dict[str, str]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    entry, raw = draw(_documents())
    return Sample(_write(entry, raw), entry, raw)


@st.composite
def _documents(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    raw: dict[str, str] = {}
    entry: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "schema": st.just(1),
                "id": st.from_regex(
                    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", fullmatch=True
                ),
                "source": st.from_regex(r"[a-z0-9](?:[a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True),
                "seq": st.integers(0, 2**63 - 1),
                "occurred_at": _instants(),
                "actor": _group(
                    "name role organization user_agent session", ip=st.ip_addresses().map(str), type=type_names, id=ids
                ),
                "action": st.from_regex(r"[a-z][a-z0-9_-]{0,9}(?:\.[a-z0-9_-]{1,9}){0,3}", fullmatch=True),
                "outcome": st.sampled_from(["allowed", "denied", "failed"]),
                "purpose": lines,
            },
            optional={
                "crud": st.sampled_from(["create", "read", "update", "delete"]),
                "legal_basis": st.none() | lines,
                "retention": st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True),
                "authorization": st.none() | _group("policy decision_id granted_by"),
                "correlation": st.none() | _group("trace_id request_id"),
                "targets": st.lists(_group("name", type=type_names, id=ids), max_size=3),
                "subjects": st.lists(ids, max_size=3, unique=True).map(lambda found: [{"id": id_} for id_ in found]),
            },
        )
    )
    for index, subject in enumerate(entry.get("subjects", [])):
        if draw(st.booleans()):
            subject["data"] = draw(json_objects)
            raw[f"subjects[{index}].data"] = draw(_texts(subject["data"]))
    if draw(st.booleans()):
        entry["details"] = draw(json_objects)
        raw["details"] = draw(_texts(entry["details"]))
    return entry, raw


def _group(optional: str, **required: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    ip = {"ip": required.pop("ip")} if "ip" in required else {}
    return st.fixed_dictionaries(dict(required), optional={name: st.none() | lines for name in optional.split()} | ip)


@st.composite
def _instants(draw: st.DrawFn) -> str:
    moment = draw(st.datetimes(min_value=datetime(1000, 1, 1)))  # noqa: DTZ001 - as hypothesis wants it
    digits = draw(st.integers(0, 6))
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


@st.composite
def _texts(draw: st.DrawFn, value: Any) -> str:
    """One of the ways to write the value down: with or without white space and escapes."""
    return json.dumps(value, indent=draw(st.sampled_from([None, 0, 1])), ensure_ascii=draw(st.booleans()))


def _write(entry: dict[str, Any], raw: dict[str, str]) -> bytes:
    # Write placeholders first, then put the exact texts in their place.
    marked = json.loads(json.dumps(entry))
    if "details" in raw:
        marked["details"] = "\x00details"
    for index, subject in enumerate(marked.get("subjects", [])):
        if f"subjects[{index}].data" in raw:
            subject["data"] = f"\x00subjects[{index}].data"
    text = json.dumps(marked, ensure_ascii=False)
    for name, exact in raw.items():
        text = text.replace(json.dumps(f"\x00{name}"), exact)
    return text.encode()
