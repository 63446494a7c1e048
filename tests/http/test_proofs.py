from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from tests.http.service import Service
from tlog.errors import InclusionInvalid
from tlog.formats.tlog_proof import parse_tlog_proof
from tlog.merkle.hashing import EMPTY_ROOT, leaf_hash
from tlog.merkle.verify import verify_consistency, verify_inclusion

LEAVES = 300


@pytest.fixture
def service(raw_service: Service) -> Service:
    """A plain log: what is public is the same, whoever seals the leaves."""
    return raw_service


def leaf(index: int) -> bytes:
    return index.to_bytes(32)


async def fill(service: Service, count: int = LEAVES) -> None:
    indices = await asyncio.gather(*(service.made.log.leaves.append(leaf(i)) for i in range(count)))
    assert indices == list(range(count))
    await service.published(count)


def hashes(proof: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(value, validate=True) for value in proof["hashes"]]


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 300), (255, 256), (256, 300), (299, 300), (17, 100)])
async def test_inclusion(service: Service, index: int, size: int) -> None:
    await fill(service)
    answer = await service.get(f"/v1/proofs/inclusion?index={index}&size={size}")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    proof = answer.json()
    assert (proof["index"], proof["size"]) == (index, size)
    assert base64.b64decode(proof["leaf_hash"]) == leaf_hash(leaf(index))
    root = base64.b64decode(proof["root"])
    assert root == service.made.log.proofs.root(size)
    verify_inclusion(leaf_hash(leaf(index)), index, size, hashes(proof), root)
    with pytest.raises(InclusionInvalid):
        verify_inclusion(leaf_hash(leaf(index + 1)), index, size, hashes(proof), root)


async def test_the_default_size_is_the_published_one(service: Service) -> None:
    await fill(service, 5)
    inclusion = await service.get("/v1/proofs/inclusion?index=3")
    consistency = await service.get("/v1/proofs/consistency?from=3")
    assert inclusion.json()["size"] == consistency.json()["to"] == 5
    assert inclusion.headers["Cache-Control"] == consistency.headers["Cache-Control"] == "public, max-age=3"


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 300), (1, 300), (255, 257), (256, 300), (300, 300)])
async def test_consistency(service: Service, old: int, new: int) -> None:
    await fill(service)
    proof = (await service.get(f"/v1/proofs/consistency?from={old}&to={new}")).json()
    assert (proof["from"], proof["to"]) == (old, new)
    roots = [base64.b64decode(proof[name]) for name in ("from_root", "to_root")]
    assert roots[0] == (service.made.log.proofs.root(old) if old else EMPTY_ROOT)
    verify_consistency(old, new, hashes(proof), *roots)


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("inclusion", 400, "bad-parameter"),
        ("inclusion?index=5&size=5", 400, "bad-parameter"),
        ("inclusion?index=0&size=0", 400, "bad-parameter"),
        ("inclusion?index=0&size=6", 404, "out-of-range"),
        ("inclusion?index=9", 404, "out-of-range"),
        ("inclusion?index=0&leaf=1", 400, "bad-parameter"),
        ("inclusion?index=+1", 400, "bad-parameter"),
        ("inclusion?index=00", 400, "bad-parameter"),
        (f"inclusion?index=0&size={2**63 - 1}", 404, "out-of-range"),
        ("consistency", 400, "bad-parameter"),
        ("consistency?from=4&to=3", 400, "bad-parameter"),
        ("consistency?from=1&to=6", 404, "out-of-range"),
        ("consistency?from=1&from=2", 400, "bad-parameter"),
    ],
)
async def test_what_cannot_be_proved(service: Service, query: str, status: int, slug: str) -> None:
    await fill(service, 5)
    answer = await service.get(f"/v1/proofs/{query}")
    assert (answer.status, answer.slug) == (status, slug)


async def test_a_proof_file_verifies_under_the_policy(service: Service) -> None:
    await fill(service, 5)
    answer = await service.get("/v1/entries/3/proof")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entry-3.tlog-proof"'
    proof = parse_tlog_proof(answer.body)
    checkpoint = service.made.log.policy.verify_checkpoint(proof.checkpoint).checkpoint
    assert (proof.index, proof.extra) == (3, leaf(3))
    verify_inclusion(leaf_hash(leaf(3)), 3, checkpoint.size, list(proof.hashes), checkpoint.root)


async def test_a_proof_file_beyond_the_log(service: Service) -> None:
    await fill(service, 5)
    assert (await service.get("/v1/entries/5/proof")).slug == "out-of-range"
    assert (await service.get("/v1/entries/x/proof")).slug == "bad-parameter"
