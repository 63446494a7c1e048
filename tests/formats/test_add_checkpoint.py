from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import require_refusal_or_identity
from tests.formats.material import hashes, signed, sizes
from tlog.errors import MalformedRequest
from tlog.formats.add_checkpoint import (
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    encode_size_body,
    origin_hash,
    parse_add_checkpoint,
    parse_size_body,
)
from tlog.formats.note import Note, Signature

NOTE = signed().encode()
HASH = b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"

requests = st.builds(
    AddCheckpoint, old_size=sizes, proof=st.lists(hashes, max_size=63).map(tuple), checkpoint=st.just(NOTE)
)

# tlog-witness "add-checkpoint", example request body
SPEC_REQUEST = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()  # noqa: E501 - a signature line cannot be wrapped


def test_the_example_of_the_specification() -> None:
    request = parse_add_checkpoint(SPEC_REQUEST)
    assert request.old_size == 20852014
    assert len(request.proof) == 4
    assert request.checkpoint.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert request.encode() == SPEC_REQUEST


@given(requests)
def test_round_trip(request: AddCheckpoint) -> None:
    assert parse_add_checkpoint(request.encode()) == request


def test_every_mangled_request_is_refused_or_reads_as_it_stands() -> None:
    refused = require_refusal_or_identity(SPEC_REQUEST, parse_add_checkpoint, AddCheckpoint.encode, MalformedRequest)
    assert refused > 2000


@given(st.binary(max_size=100))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for whole in (data, b"old " + data, b"old 1\n" + data + b"\n" + NOTE, b"old 1\n\n" + data):
        try:
            assert parse_add_checkpoint(whole).encode() == whole
        except MalformedRequest:
            continue


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n",
        b"old\n",
        b"old \n",
        b"old 01\n",
        b"old +1\n",
        b"old -1\n",
        b"old  1\n",
        b"old 1 \n",
        b"old\t1\n",
        b"old 1\r\n",
        b"Old 1\n",
        b"1\n",
        b"old %d\n" % 2**63,
        b"old 1\nold 1\n",
        b"old 1\nAAAA\n",
        b"old 1\n" + HASH * 64,
        b"old 1\n" + HASH[:-3] + b"x=\n",
        b"old 1\n" + HASH[:-1] + b" \n",
        b"old 1\n" + HASH[:-1] + HASH,
        b"old 1\n\xff\n",
    ],
)
def test_what_is_no_request(head: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(head + b"\n" + NOTE)


@pytest.mark.parametrize("note", [b"", b"hello\n", NOTE[:-1], b"\n" + NOTE, NOTE + b"\n", NOTE.replace(b"1234", b"01")])
def test_the_checkpoint_must_be_one(note: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(b"old 1\n\n" + note)


def test_63_proof_lines_are_allowed() -> None:
    assert len(parse_add_checkpoint(b"old 1\n" + HASH * 63 + b"\n" + NOTE).proof) == 63


def test_an_old_size_above_the_checkpoints_is_for_the_witness_to_refuse() -> None:
    assert parse_add_checkpoint(b"old 9999\n\n" + NOTE).old_size == 9999


def test_duplicate_signature_lines_are_refused() -> None:
    line = b"\xe2\x80\x94 " + NOTE.rpartition(b"\xe2\x80\x94 ")[2]
    with pytest.raises(MalformedRequest, match="two signature lines"):
        parse_add_checkpoint(b"old 0\n\n" + NOTE + line)


def test_sixteen_post_quantum_signatures_fit_with_the_longest_proof() -> None:
    note = signed()
    many = [Signature(f"{'n' * 250}{i:02}", b"abcd", bytes(5000)) for i in range(16)]
    request = AddCheckpoint(1, (bytes(32),) * 63, note.with_signatures(many).encode())
    assert len(request.encode()) < 128 * 1024 <= MAX_REQUEST_BYTES
    assert parse_add_checkpoint(request.encode()) == request


def test_an_oversized_request_is_refused() -> None:
    frame = len(AddCheckpoint(1, (), Note(signed().text, (Signature("x", b"abcd", b"v"),)).encode()).encode())
    fits = Note(signed().text, (Signature("x" * (MAX_REQUEST_BYTES - frame + 1), b"abcd", b"v"),))
    data = AddCheckpoint(1, (), fits.encode()).encode()
    assert len(data) == MAX_REQUEST_BYTES
    assert parse_add_checkpoint(data).encode() == data
    with pytest.raises(MalformedRequest, match="262145 bytes, more than 262144"):
        parse_add_checkpoint(data + b"\n")


@given(sizes)
def test_size_body_round_trip(size: int) -> None:
    assert parse_size_body(encode_size_body(size)) == size


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"1", b"\n", b"01\n", b"+1\n", b"1\n\n", b"1\r\n", b" 1\n", b"1 \n", b"\xff\n", b"<html>\n"),
        *(b"9223372036854775808\n", b"1" * 32, b"1" * 10_000 + b"\n", b"1\n" + b" " * 40),
    ],
)
def test_what_is_no_size_body(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_size_body(data)


def test_mangled_size_bodies() -> None:
    assert require_refusal_or_identity(b"20852163\n", parse_size_body, encode_size_body, MalformedRequest) > 100


def test_the_origin_hash() -> None:
    expected = hashlib.sha256(b"example.com/log").hexdigest()
    assert origin_hash("example.com/log") == expected
    assert origin_hash("é") == hashlib.sha256("é".encode()).hexdigest()


@pytest.mark.parametrize(
    ("old", "proof", "note"),
    [(-1, (), NOTE), (2**63, (), NOTE), (0, (bytes(33),), NOTE), (0, (bytes(32),) * 64, NOTE), (0, (), b"no note")],
)
def test_a_bad_request_cannot_be_made(old: int, proof: tuple[bytes, ...], note: bytes) -> None:
    with pytest.raises(MalformedRequest):
        AddCheckpoint(old, proof, note)
