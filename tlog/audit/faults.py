"""Lists everything that is wrong with a refused document, driven by the Struct that describes it.

msgspec stops at the first fault; a person mending a producer wants them all. So this walks the JSON text
field by field and asks msgspec about each scalar alone, with the same types; nothing about the format is
said twice.

Faults name paths and what was expected there, never a value: values are personal data and faults end up in
logs. A field name that does not look like one (it may be data used as a key) is shown as `(unnamed)`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect, structs

from tlog.audit.strict_json import json_fault
from tlog.errors import Fault

_SHOWABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_TOLD_DIGITS = 20
_KINDS = {"{": "an object", "[": "an array", '"': "a string", "t": "a boolean", "f": "a boolean", "n": "null"}
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Shape:
    """What one field may hold. `item` is the Struct of an object, or of an array's items where `array`; `whole`: it is
    a whole number."""

    description: str
    required: bool
    optional: bool
    array: bool
    item: type[msgspec.Struct] | None
    max_items: int | None
    unique: str | None
    whole: bool
    decode: Callable[[bytes], Any]
    check: Callable[[Any], None] | None


def collect_faults(data: bytes, schema: type[msgspec.Struct], *, numbers: bool = False) -> list[Fault]:
    """Return every fault of `data`, an acceptable JSON text but for repeated members, against `schema`.

    `numbers`: a whole number may be told (`got 0`) where one is expected: an id that came as a number is not. Never for
    an entry, where any value may be personal.
    """
    return list(_object_faults(data, schema, "", numbers))


def _object_faults(data: bytes, schema: type[msgspec.Struct], path: str, numbers: bool) -> Iterator[Fault]:
    if data[:1].isspace():
        data = data.lstrip()
    if _kind(data) != "an object":
        yield Fault(path, f"expected an object, got {_kind(data)}")
        return
    shapes = _shapes(schema)
    for name, times in Counter(_names(data)).items():
        if name not in shapes:
            yield Fault(_join(path, name), "unknown field")
        elif times > 1:
            yield Fault(_join(path, name), f"given {times} times")
    members = _decode_object(data)
    for name, shape in shapes.items():
        if name in members:
            yield from _field_faults(bytes(members[name]), shape, _join(path, name), numbers)
        elif shape.required:
            yield Fault(_join(path, name), f"missing; expected {shape.description}")


def _field_faults(data: bytes, shape: _Shape, path: str, numbers: bool) -> Iterator[Fault]:
    if data == b"null" and shape.optional:
        return
    if shape.array:
        yield from _array_faults(data, shape, path, numbers)
    elif shape.item is not None:
        yield from _object_faults(data, shape.item, path, numbers)
    else:
        yield from _value_faults(data, shape, path, numbers)


def _array_faults(data: bytes, shape: _Shape, path: str, numbers: bool) -> Iterator[Fault]:
    if _kind(data) != "an array":
        yield Fault(path, f"expected {shape.description}, got {_kind(data)}")
        return
    items = [bytes(item) for item in _decode_array(data)]
    if shape.max_items is not None and len(items) > shape.max_items:
        yield Fault(path, f"expected {shape.description}, got {len(items)}")
    for index, item in enumerate(items):
        if shape.item is not None:
            yield from _object_faults(item, shape.item, f"{path}[{index}]", numbers)
    if shape.unique is not None:
        yield from _repeated(items, shape.unique, path)


def _repeated(items: list[bytes], member: str, path: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        value = bytes(_decode_object(item).get(member, b"")) if _kind(item) == "an object" else b""
        key = msgspec.json.decode(value) if value[:1] == b'"' else None
        if key is not None and first.setdefault(key, index) != index:
            yield Fault(f"{path}[{index}].{member}", f"the same as {path}[{first[key]}].{member}")


def _value_faults(data: bytes, shape: _Shape, path: str, numbers: bool) -> Iterator[Fault]:
    try:
        value = shape.decode(data)
        if shape.check is not None:
            shape.check(value)
    except ValueError:  # its message may quote the value
        got = data.decode() if numbers and shape.whole and _is_short_number(data) else f"{_kind(data)}{_hint(data)}"
        yield Fault(path, f"expected {shape.description}, got {got}")
        return
    if isinstance(value, msgspec.Raw):
        fault = json_fault(data)
        if fault is not None:
            yield Fault(path, fault)


def _names(data: bytes) -> list[str]:
    pairs = json.loads(data, object_pairs_hook=list, parse_int=len, parse_float=len)
    return [name for name, _ in pairs]


def _join(path: str, name: str) -> str:
    shown = name if _SHOWABLE.fullmatch(name) else "(unnamed)"
    return f"{path}.{shown}" if path else shown


def _kind(data: bytes) -> str:
    kind = _KINDS.get(chr(data[0]))
    if kind is not None:
        return kind
    if not data.lstrip(b"-").isdigit():
        return "a number with a fraction or an exponent"
    return "a negative whole number" if data[:1] == b"-" else "a whole number"


def _is_short_number(data: bytes) -> bool:
    return len(data) <= _TOLD_DIGITS and data.removeprefix(b"-").isdigit()


def _hint(data: bytes) -> str:
    if data[:1] != b'"':
        return ""
    length = len(msgspec.json.decode(data))
    return f" of {length} character{'s'[: length != 1]}" if length else " without a character"


@cache
def _shapes(schema: type[msgspec.Struct]) -> dict[str, _Shape]:
    return {field.encode_name: _shape(field) for field in structs.fields(schema)}


def _shape(field: structs.FieldInfo) -> _Shape:
    outer = inspect.type_info(field.type)
    members = outer.types if isinstance(outer, inspect.UnionType) else (outer,)
    described = next(member for member in members if not isinstance(member, inspect.NoneType))
    meta = described if isinstance(described, inspect.Metadata) else inspect.Metadata(described)
    extra = meta.extra or {}
    array = meta.type if isinstance(meta.type, inspect.VarTupleType) else None
    inner = array.item_type if array else meta.type
    return _Shape(
        description=(meta.extra_json_schema or {}).get("description", "an object"),
        required=field.required,
        optional=any(isinstance(member, inspect.NoneType) for member in members),
        array=array is not None,
        item=inner.cls if isinstance(inner, inspect.StructType) else None,
        max_items=array.max_length if array else None,
        unique=extra.get("unique"),
        whole=isinstance(meta.type, inspect.IntType),
        decode=msgspec.json.Decoder(field.type).decode,
        check=extra.get("check"),
    )
