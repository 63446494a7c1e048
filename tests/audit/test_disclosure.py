"""The text of a disclosure, and the auditor's check of disclosures against a leaf."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.strategies import json_objects
from tlog.audit.disclosure import digest, disclosure, parse_disclosure
from tlog.audit.leaf import leaf_of, verify_disclosures
from tlog.errors import LeafMismatch, Malformed, MalformedDisclosure

SALT = bytes(range(16))
SALT_TEXT = "AAECAwQFBgcICQoLDA0ODw"
TEXT = disclosure(SALT, "actor.id", b'"emp-1"')


def b64(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_a_disclosure_is_the_base64url_of_salt_name_value() -> None:
    assert TEXT.decode() == b64(f'["{SALT_TEXT}","actor.id","emp-1"]')
    assert digest(TEXT) == sha256(TEXT).digest()


@given(st.binary(min_size=16, max_size=16), json_objects, st.booleans())
def test_what_was_disclosed_is_read_back(salt: bytes, value: dict[str, object], spaced: bool) -> None:
    text = json.dumps(value, indent=1 if spaced else None)
    found = parse_disclosure(disclosure(salt, "details", text.encode()))
    assert (found.salt, found.name, found.value_json.decode()) == (salt, "details", text)
    assert found.value == value


def test_names_with_an_index_and_values_with_unicode() -> None:
    text = disclosure(SALT, "subjects[12]", '{"id":"Zoë"}'.encode())
    assert parse_disclosure(text.decode()).value == {"id": "Zoë"}
    assert "Zo" not in repr(parse_disclosure(text))


OTHER_WAYS = {
    "empty": "",
    "padding": b64(f'["{SALT_TEXT}","actor.id","x1"]') + "=",
    "standard alphabet": b64(f'["{SALT_TEXT}","details",{{"a":"???>>>"}}]').replace("-", "+").replace("_", "/"),
    "line end": TEXT.decode() + "\n",
    "not ASCII": "é" * 8,
    "impossible length": "A" * 5,
    "trailing bits": TEXT.decode()[:-1] + chr(ord(TEXT.decode()[-1]) + 1),
    "not an array": b64('{"a":1}'),
    "two items": b64(f'["{SALT_TEXT}","actor.id"]'),
    "four items": b64(f'["{SALT_TEXT}","actor.id",1,2]'),
    "white space": b64(f'["{SALT_TEXT}", "actor.id",1]'),
    "trailing text": b64(f'["{SALT_TEXT}","actor.id",1] '),
    "escaped name": b64(f'["{SALT_TEXT}","actor.\\u0069d",1]'),
    "short salt": b64('["AAECAwQFBgcICQoLDA0O","actor.id",1]'),
    "long salt": b64('["AAECAwQFBgcICQoLDA0ODxA","actor.id",1]'),
    "salt with trailing bits": b64('["AAECAwQFBgcICQoLDA0ODx","actor.id",1]'),
    "salt no string": b64('[1,"actor.id",1]'),
    "name empty": b64(f'["{SALT_TEXT}","",1]'),
    "name in capitals": b64(f'["{SALT_TEXT}","Actor",1]'),
    "name with leading zero": b64(f'["{SALT_TEXT}","subjects[01]",1]'),
    "name with line end": b64(f'["{SALT_TEXT}","actor.id\\n",1]'),
    "value not JSON": b64(f'["{SALT_TEXT}","actor.id",01]'),
    "value with a repeated member": b64(f'["{SALT_TEXT}","details",{{"a":1,"a":2}}]'),
    "value with a lone surrogate": b64(f'["{SALT_TEXT}","actor.id","\\ud800"]'),
    "value not UTF-8": b64(f'["{SALT_TEXT}","actor.id","'.encode() + b'\xff"]'),
    "value too deep": b64(f'["{SALT_TEXT}","details",' + "[" * 65 + "]" * 65 + "]"),
    "value far too deep": b64(f'["{SALT_TEXT}","details",' + "[" * 9999 + "]" * 9999 + "]"),
}


@pytest.mark.parametrize("text", OTHER_WAYS.values(), ids=OTHER_WAYS.keys())
def test_another_way_to_write_a_disclosure_is_refused(text: str) -> None:
    with pytest.raises(MalformedDisclosure):
        parse_disclosure(text)


@given(st.data())
def test_mangled_disclosures_are_refused_or_have_another_digest(data: st.DataObject) -> None:
    mangled = bytearray(TEXT)
    start = data.draw(st.integers(0, len(mangled)))
    mangled[start : start + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    if bytes(mangled) == TEXT:
        return
    try:
        found = parse_disclosure(bytes(mangled))
    except Malformed:
        return
    assert found.encode() == bytes(mangled)
    assert digest(found.encode()) != digest(TEXT)


@given(st.binary(max_size=50) | st.text(max_size=50))
def test_any_input_is_refused_only_with_malformed_disclosure(data: bytes | str) -> None:
    with pytest.raises(MalformedDisclosure):
        parse_disclosure(data)


def texts_of(*names: str) -> list[str]:
    return [disclosure(SALT, name, b'"value"').decode() for name in names]


def test_disclosures_and_withheld_digests_make_the_leaf() -> None:
    texts = texts_of("action", "outcome", "purpose")
    digests = [digest(text.encode()) for text in texts]
    leaf = leaf_of(digests)
    assert verify_disclosures(texts, [], leaf) == dict.fromkeys(("action", "outcome", "purpose"), "value")
    assert verify_disclosures(texts[1:2], [digests[2], digests[0]], leaf) == {"outcome": "value"}
    assert verify_disclosures([], digests, leaf) == {}


def test_anything_else_is_not_the_leaf() -> None:
    texts = texts_of("action", "outcome")
    digests = [digest(text.encode()) for text in texts]
    leaf = leaf_of(digests)
    for given_texts, others in (
        (texts[:1], []),
        (texts, digests[:1]),
        (texts, [bytes(32)]),
        (texts[:1], [digests[1][:31]]),
        (texts[:1], [digests[0]]),
        ([], []),
        ([texts[0], texts_of("purpose")[0]], []),
    ):
        with pytest.raises(LeafMismatch):
            verify_disclosures(given_texts, others, leaf)
    with pytest.raises(LeafMismatch):
        verify_disclosures(texts, [], bytes(32))


def test_two_disclosures_of_one_name_are_refused_though_they_hash_to_the_leaf() -> None:
    texts = [disclosure(SALT, "actor.id", value).decode() for value in (b'"a"', b'"b"')]
    with pytest.raises(MalformedDisclosure, match="same name"):
        verify_disclosures(texts, [], leaf_of(digest(text.encode()) for text in texts))
