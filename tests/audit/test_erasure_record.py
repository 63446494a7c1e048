from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled
from tlog.audit.erasure_record import ErasedPart, ErasureRecord, encode_record, parse_record, parse_unverified
from tlog.errors import MalformedRecord

ACT = "01a20642-cbbc-728e-bf2b-3ea96f9ffe23"
PARTS = (ErasedPart.of(3, "subjects[0]", b"\x02" + bytes(32)), ErasedPart.of(3, "shared", b"\x02" + bytes(range(64))))
ERASURE = ErasureRecord(
    version=1, origin="example.com/log", act=ACT, kind="erasure", at=17, key_id=5, role="subject", parts=PARTS
)
EXPIRY = ErasureRecord(
    version=1, origin="example.com/log", act=ACT, kind="expiry", at=17, cohort="standard/2026-01", moved=(4, 9)
)
TEXT = (
    b'{"version":1,"origin":"example.com/log","act":"' + ACT.encode() + b'","kind":"expiry","at":17,'
    b'"cohort":"standard/2026-01","moved":[4,9]}'
)


def mac(text: bytes) -> bytes:
    return hmac.digest(b"the log's secret", text, "sha256")


def other_mac(text: bytes) -> bytes:
    return hmac.digest(b"somebody else's", text, "sha256")


def sealed(text: bytes) -> bytes:
    """The file of a record's text, written by whoever has the secret: what is refused then is refused for its form."""
    return text[:-1] + b',"mac":"' + b64encode(mac(text)) + b'"}\n'


def text_of(record: ErasureRecord) -> bytes:
    data = encode_record(record, mac)
    return data[: data.rindex(b',"mac":')] + b"}"


indices = st.integers(0, 2**63 - 1)
parts = st.builds(
    ErasedPart.of,
    indices,
    st.sampled_from(["actor", "shared", "subjects[0]", "subjects[99]"]),
    st.integers(0, 3).flatmap(lambda n: st.binary(min_size=32 * n, max_size=32 * n)).map(lambda data: b"\x02" + data),
)
common: dict[str, Any] = {"version": st.just(1), "origin": st.text(max_size=40), "act": st.just(ACT), "at": indices}
records = st.builds(
    ErasureRecord,
    **common,
    kind=st.just("erasure"),
    key_id=indices,
    role=st.sampled_from(["actor", "subject"]),
    parts=st.lists(parts, max_size=4),
) | st.builds(
    ErasureRecord,
    **common,
    kind=st.just("expiry"),
    cohort=st.text(min_size=1, max_size=96),
    moved=st.lists(indices, max_size=4),
)


@given(records)
def test_a_record_comes_back(record: ErasureRecord) -> None:
    data = encode_record(record, mac)
    for found in (parse_record(data, mac), parse_unverified(data)):
        assert encode_record(found, mac) == data
        assert [(part.index, part.label, part.container) for part in found.parts] == [
            (part.index, part.label, part.container) for part in record.parts
        ]


@given(records)
def test_nobody_else_can_write_one(record: ErasureRecord) -> None:
    with pytest.raises(MalformedRecord, match="its MAC does not fit"):
        parse_record(encode_record(record, other_mac), mac)


def test_the_form_is_fixed() -> None:
    assert encode_record(EXPIRY, mac) == TEXT[:-1] + b',"mac":"' + b64encode(mac(TEXT)) + b'"}\n'


@pytest.mark.parametrize("record", [ERASURE, EXPIRY])
def test_every_byte_counts(record: ErasureRecord) -> None:
    """Whatever is flipped, left out or put in, in the MAC as well: it is refused."""
    data = encode_record(record, mac)
    for broken in mangled(data):
        with pytest.raises(MalformedRecord):
            parse_record(broken, mac)


@pytest.mark.parametrize("record", [ERASURE, EXPIRY])
def test_without_its_mac_a_record_has_one_form(record: ErasureRecord) -> None:
    """A changed text is refused, or it is another record that says so: never the same one written in another way."""
    for broken in mangled(text_of(record)):
        if not broken.endswith(b"}"):
            continue
        try:
            found = parse_record(sealed(broken), mac)
        except MalformedRecord:
            continue
        assert text_of(found) == broken


@pytest.mark.parametrize("end", range(len(encode_record(ERASURE, mac))))
def test_a_record_that_was_cut_is_refused(end: int) -> None:
    with pytest.raises(MalformedRecord):
        parse_record(encode_record(ERASURE, mac)[:end], mac)


@pytest.mark.parametrize(
    "change",
    [
        (b'"key_id":5', b'"key_id":6'),
        (b'"at":17', b'"at":18'),
        (b'"role":"subject"', b'"role":"actor"'),
        (PARTS[0].content.encode(), b"Ag=="),  # no digests left
        (b'[3,"shared"', b'[4,"shared"'),
    ],
)
def test_a_good_form_without_its_own_mac_is_refused(change: tuple[bytes, bytes]) -> None:
    data = encode_record(ERASURE, mac).replace(*change, 1)
    assert data != encode_record(ERASURE, mac)
    assert parse_unverified(data).act == ACT
    with pytest.raises(MalformedRecord, match="its MAC does not fit"):
        parse_record(data, mac)


def test_a_record_without_a_mac_is_refused() -> None:
    for data in (TEXT, TEXT + b"\n", TEXT[:-1] + b',"mac":""}\n', TEXT[:-1] + b',"mac":null}\n'):
        for parse in (lambda data: parse_record(data, mac), parse_unverified):
            with pytest.raises(MalformedRecord):
                parse(data)


def test_a_mac_has_one_place_and_one_form() -> None:
    code = b64encode(mac(TEXT))
    last = code[-2:-1]
    loose = code[:-2] + bytes([last[0] + 1 if last not in b"Zz9" else last[0] - 1]) + b"="  # bits that are not of it
    member = b',"mac":"' + code + b'"'
    for data in (
        TEXT[:-1] + b',"mac":"' + loose + b'"}\n',
        TEXT[:-1] + member + member + b"}\n",
        TEXT[:-1] + member + b',"kind":"expiry"}\n',
        b'{"mac":"' + code + b'",' + TEXT[1:] + b"\n",
    ):
        with pytest.raises(MalformedRecord):
            parse_record(data, mac)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version": 1'),
        (b'"key_id":5,', b""),
        (b'"role":"subject",', b""),
        (b'"role":"subject"', b'"role":"person"'),
        (b'"kind":"erasure"', b'"kind":"expiry"'),
        (b'"kind":"erasure"', b'"kind":"erasure","cohort":"a/2026-01"'),
        (b'"key_id":5', b'"key_id":-5'),
        (b'"at":17', b'"at":17.0'),
        (b'"at":17', b'"at":17,"name":"Anna"'),
        (ACT.encode(), ACT.upper().encode()),
        (ACT.encode(), b"../../../../../etc/passwd"),
        (b"subjects[0]", b"subjects[00]"),
        (b"subjects[0]", b"core"),
        (b'"shared"', b'"actor.id"'),
        (b"AgAB", b"AQAB"),  # a sealed part in place of an erased one
        (b"AgAB", b"AgB"),
    ],
)
def test_what_is_no_record_is_refused(old: bytes, new: bytes) -> None:
    text = text_of(ERASURE)
    assert old in text
    with pytest.raises(MalformedRecord):
        parse_record(sealed(text.replace(old, new, 1)), mac)


@given(st.binary(max_size=200))
def test_a_parser_raises_nothing_else(data: bytes) -> None:
    for parse in (lambda data: parse_record(data, mac), parse_unverified):
        with pytest.raises(MalformedRecord):
            parse(data)
