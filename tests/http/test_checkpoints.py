from __future__ import annotations

import base64

import msgspec
import pytest

from tests.http.service import Service
from tlog.http.answers.proofs import CheckpointPage


@pytest.fixture
def service(raw_service: Service) -> Service:
    """A plain log: what is public is the same, whoever seals the leaves."""
    return raw_service


async def grow(service: Service, sizes: int) -> list[int]:
    """Append until there are this many published checkpoints; returns their sizes."""
    await service.published(0)
    for size in range(1, sizes):
        await service.made.log.leaves.append(bytes(32))
        await service.published(size)
    return list(range(sizes))


async def page(service: Service, query: str) -> CheckpointPage:
    answer = await service.get(f"/v1/checkpoints{query}")
    assert answer.status == 200, answer
    return msgspec.json.decode(answer.body, type=CheckpointPage)


async def walk(service: Service, order: str, limit: int) -> list[int]:
    """Follow `next` to the end."""
    sizes, at = [], ""
    while True:
        found = await page(service, f"?order={order}&limit={limit}{at}")
        sizes += [checkpoint.size for checkpoint in found.checkpoints]
        if found.next is None:
            return sizes
        at = f"&from={found.next}"


async def test_the_published_checkpoint(service: Service) -> None:
    await grow(service, 3)
    answer = await service.get("/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=3"
    assert service.made.log.policy.verify_checkpoint(answer.body).checkpoint.size == 2
    head = await service.ask("HEAD", "/checkpoint")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 500])
async def test_pages_hold_every_checkpoint_once(service: Service, limit: int) -> None:
    sizes = await grow(service, 4)
    assert await walk(service, "asc", limit) == sizes
    assert await walk(service, "desc", limit) == sizes[::-1]


async def test_a_checkpoint_in_json_is_the_signed_note(service: Service) -> None:
    await grow(service, 3)
    newest = (await page(service, "?order=desc&limit=1")).checkpoints[0]
    checkpoint = service.made.log.policy.verify_checkpoint(newest.note.encode()).checkpoint
    assert (checkpoint.size, checkpoint.root) == (newest.size, base64.b64decode(newest.root))


async def test_where_a_page_begins(service: Service) -> None:
    await grow(service, 4)
    assert [c.size for c in (await page(service, "?from=2")).checkpoints] == [2, 3]
    assert [c.size for c in (await page(service, "?from=1&order=desc")).checkpoints] == [1, 0]
    assert [c.size for c in (await page(service, "?from=0&order=desc")).checkpoints] == [0]
    assert (await page(service, "?from=99")).checkpoints == []


@pytest.mark.parametrize("query", ["?limit=0", "?limit=501", "?order=up", "?from=-1", "?page=2"])
async def test_bad_parameters(service: Service, query: str) -> None:
    answer = await service.get(f"/v1/checkpoints{query}")
    assert (answer.status, answer.slug) == (400, "bad-parameter")
