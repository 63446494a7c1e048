from __future__ import annotations

import asyncio

import pytest

from tests.http.own_entries import stored_own
from tests.http.service import Service
from tlog.errors import Forbidden


async def test_a_leaf_is_answered_with_its_index(leaf_service: Service) -> None:
    for index in range(3):
        answer = await leaf_service.add(bytes([index]) * 32)
        assert (answer.status, answer.body) == (200, b"%d\n" % index)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert leaf_service.made.log.store.leaves(0, 3) == [bytes([i]) * 32 for i in range(3)]


@pytest.mark.parametrize("length", [0, 31, 33, 65_535])
async def test_a_sealed_leaf_has_32_bytes(leaf_service: Service, length: int) -> None:
    answer = await leaf_service.add(bytes(length))
    assert (answer.status, answer.slug) == (400, "malformed")
    assert leaf_service.size() == 0


@pytest.mark.parametrize("length", [0, 1, 65_535])
async def test_raw_leaves(raw_service: Service, length: int) -> None:
    assert (await raw_service.add(b"x" * length)).body == b"0\n"
    assert raw_service.made.log.store.leaves(0, 1) == [b"x" * length]


async def test_a_raw_leaf_over_the_limit(raw_service: Service) -> None:
    answer = await raw_service.add(bytes(65_536))
    assert (answer.status, answer.slug) == (413, "too-large")
    assert "65535" in answer.json()["detail"]
    assert raw_service.size() == 0


async def test_concurrent_leaves_have_one_index_each(leaf_service: Service) -> None:
    leaves = [bytes([number]) * 32 for number in range(64)]
    answers = await asyncio.gather(*(leaf_service.add(leaf) for leaf in leaves))
    indices = [int(answer.body) for answer in answers]
    assert sorted(indices) == list(range(64))
    stored = leaf_service.made.log.store.leaves(0, 64)
    assert all(stored[index] == leaf for index, leaf in zip(indices, leaves, strict=True))


async def test_adding_needs_the_token_of_a_source(leaf_service: Service) -> None:
    assert (await leaf_service.ask("POST", "/add", bytes(32))).slug == "unauthorized"
    assert (await leaf_service.ask("POST", "/add", bytes(32), leaf_service.auditor)).slug == "forbidden"
    assert leaf_service.size() == 0


async def test_a_log_of_entries_takes_no_leaf_and_logs_the_attempt(service: Service) -> None:
    """Else whoever may append could log a leaf whose disclosures claim to be an entry of another source."""
    answer = await service.add(bytes(32))
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert "POST /v1/entries" in answer.json()["detail"]
    assert "sealed_by_producers" in answer.json()["detail"]
    [attempt] = stored_own(service.made, "tlog.leaf.add")
    assert (attempt["outcome"], attempt["actor"]["id"]) == ("denied", "clinic")
    assert service.size() == 0


async def test_nothing_within_the_log_goes_around_that(service: Service) -> None:
    with pytest.raises(Forbidden):
        await service.made.log.leaves.append(bytes(32))
