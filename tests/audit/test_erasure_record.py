from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.audit.erasure_record import ErasedPart, ErasureRecord, encode_record, parse_record
from tlog.errors import MalformedRecord

ACT = "01a20642-cbbc-728e-bf2b-3ea96f9ffe23"
PARTS = (ErasedPart.of(3, "subjects[0]", b"\x02" + bytes(32)), ErasedPart.of(3, "shared", b"\x02" + bytes(range(64))))
ERASURE = ErasureRecord(
    version=1, origin="example.com/log", act=ACT, kind="erasure", at=17, key_id=5, role="subject", parts=PARTS
)
EXPIRY = ErasureRecord(
    version=1, origin="example.com/log", act=ACT, kind="expiry", at=17, cohort="standard/2026-01", moved=(4, 9)
)


@pytest.mark.parametrize("record", [ERASURE, EXPIRY])
def test_a_record_comes_back(record: ErasureRecord) -> None:
    found = parse_record(encode_record(record))
    assert encode_record(found) == encode_record(record)
    assert [(part.index, part.label, part.container) for part in found.parts] == [
        (part.index, part.label, part.container) for part in record.parts
    ]


def test_the_form_is_fixed() -> None:
    assert encode_record(EXPIRY) == (
        b'{"version":1,"origin":"example.com/log","act":"' + ACT.encode() + b'","kind":"expiry","at":17,'
        b'"cohort":"standard/2026-01","moved":[4,9]}\n'
    )


@pytest.mark.parametrize("record", [ERASURE, EXPIRY])
def test_every_byte_counts(record: ErasureRecord) -> None:
    """A changed byte is refused, or it is another record that says so: never the same one written in another way."""
    data = encode_record(record)
    for place in range(len(data)):
        for value in (data[place] ^ 1, 0, 0x22, 0x80):
            mangled = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                found = parse_record(mangled)
            except MalformedRecord:
                continue
            assert encode_record(found) == mangled


@pytest.mark.parametrize("end", range(len(encode_record(ERASURE))))
def test_a_record_that_was_cut_is_refused(end: int) -> None:
    with pytest.raises(MalformedRecord):
        parse_record(encode_record(ERASURE)[:end])


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
    data = encode_record(ERASURE)
    assert old in data
    with pytest.raises(MalformedRecord):
        parse_record(data.replace(old, new, 1))


@given(st.binary(max_size=200))
def test_a_parser_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(MalformedRecord):
        parse_record(data)
