from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import require_refusal_or_identity
from tests.formats.material import hashes, signed, sizes
from tlog.errors import MalformedProof
from tlog.formats.tlog_proof import MAX_PROOF_BYTES, TlogProof, parse_tlog_proof

NOTE = signed(witnesses=1).encode()
HEAD = b"c2sp.org/tlog-proof@v1\n"
HASH = b"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"

proofs = st.builds(
    TlogProof,
    index=sizes,
    hashes=st.lists(hashes, max_size=63).map(tuple),
    checkpoint=st.just(NOTE),
    extra=st.none() | st.binary(min_size=1, max_size=60),
)


@given(proofs)
def test_round_trip(proof: TlogProof) -> None:
    assert parse_tlog_proof(proof.encode()) == proof


def test_the_form_of_the_specification() -> None:
    data = HEAD + b"extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\nindex 73894\n" + HASH + HASH + b"\n" + NOTE
    proof = parse_tlog_proof(data)
    assert proof.index == 73894
    assert [value.hex()[:8] for value in proof.hashes] == ["8122b25e"] * 2
    assert proof.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    assert proof.checkpoint == NOTE
    assert proof.encode() == data


@pytest.mark.parametrize("extra", [None, b"extra data"])
def test_every_mangled_proof_is_refused_or_reads_as_it_stands(extra: bytes | None) -> None:
    data = TlogProof(5, (b"\1" * 32, b"\2" * 32), NOTE, extra).encode()
    assert require_refusal_or_identity(data, parse_tlog_proof, TlogProof.encode, MalformedProof) > 1000


@given(st.binary(max_size=100))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for whole in (data, HEAD + data, HEAD + b"index 1\n" + data + b"\n" + NOTE, HEAD + b"index 1\n\n" + data):
        try:
            assert parse_tlog_proof(whole).encode() == whole
        except MalformedProof:
            continue


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n",
        b"index 1\n",
        HEAD,
        b"c2sp.org/tlog-proof@v2\nindex 1\n",
        b" " + HEAD + b"index 1\n",
        HEAD + b"index\n",
        HEAD + b"index \n",
        HEAD + b"index 01\n",
        HEAD + b"index +1\n",
        HEAD + b"index -1\n",
        HEAD + b"index  1\n",
        HEAD + b"index 1 \n",
        HEAD + b"index 1\r\n",
        HEAD + b"Index 1\n",
        HEAD + b"index %d\n" % 2**63,
        HEAD + b"index 1\nindex 1\n",
        HEAD + b"index 1\nextra YQ==\n",
        HEAD + b"extra YQ==\nextra YQ==\nindex 1\n",
        HEAD + b"extra\nindex 1\n",
        HEAD + b"extra \nindex 1\n",
        HEAD + b"extra YR==\nindex 1\n",
        HEAD + b"extra YQ\nindex 1\n",
        HEAD + b"extra YQ==\n",
        HEAD + b"index 1\nAAAA\n",
        HEAD + b"index 1\n" + HASH * 64,
        HEAD + b"index 1\n" + HASH[:-3] + b"R=\n",
        HEAD + b"index 1\n " + HASH,
        HEAD + b"index 1\n\xff\n",
    ],
)
def test_what_is_no_proof(head: bytes) -> None:
    with pytest.raises(MalformedProof):
        parse_tlog_proof(head + b"\n" + NOTE)


@pytest.mark.parametrize("note", [b"", b"hello\n", b"hello\n\n", NOTE[:-1], b"\n" + NOTE, NOTE + b"\n"])
def test_the_checkpoint_must_be_one(note: bytes) -> None:
    with pytest.raises(MalformedProof):
        parse_tlog_proof(HEAD + b"index 1\n\n" + note)


def test_63_hashes_are_allowed() -> None:
    assert len(parse_tlog_proof(HEAD + b"index 1\n" + HASH * 63 + b"\n" + NOTE).hashes) == 63


def test_an_oversized_proof_is_refused() -> None:
    with pytest.raises(MalformedProof, match="more than"):
        parse_tlog_proof(b"x" * (MAX_PROOF_BYTES + 1))


@pytest.mark.parametrize(
    ("index", "path", "note", "extra"),
    [
        (-1, (), NOTE, None),
        (2**63, (), NOTE, None),
        (0, (bytes(31),), NOTE, None),
        (0, (bytes(32),) * 64, NOTE, None),
        (0, (), b"no note", None),
        (0, (), NOTE, b""),
    ],
)
def test_a_bad_proof_cannot_be_made(index: int, path: tuple[bytes, ...], note: bytes, extra: bytes | None) -> None:
    with pytest.raises(MalformedProof):
        TlogProof(index, path, note, extra)
