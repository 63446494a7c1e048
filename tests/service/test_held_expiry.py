"""Held entries survive the expiry of their cohort, and expire when their hold is lifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import NewUrl
from tests.service.expired import (
    Clock,
    HeldHere,
    expired,
    expiries,
    expiry,
    kept_log,
    require_clean,
    require_proofs,
    run_due,
)
from tests.service.test_erasure import ANNA, about, append, asked, damage, dpo, erasures, opened, urls
from tests.service.test_expiry import found
from tests.support import MadeLog
from tlog.errors import TlogError
from tlog.service.entries import stored_cohort
from tlog.storage.act_store import ActState


def lift(made: MadeLog) -> None:
    expiry(made).holds = HeldHere()


async def test_a_held_entry_is_saved_from_its_cohort_and_goes_when_it_is_held_no_more(
    tmp_path: Path, new_url: NewUrl
) -> None:
    clock, databases = Clock(), urls(new_url)
    async with kept_log(tmp_path, clock, held=[1], urls=databases) as made:
        first, held, last = await append(made, about("p-1"), about("p-2"), about("p-3"))
        before, said = made.log.entries.stored(held), opened(made, held)
        clock.on(2026, 2)
        assert await run_due(made) == ["standard/2025-01"]
        assert expired(made) == {first, last}
        after = made.log.entries.stored(held)
        assert (after.leaf, stored_cohort(after)) == (before.leaf, "standard/2025-01+1")
        assert [part.key_id for part in after.personal] == [part.key_id for part in before.personal]
        assert opened(made, held) == said
        assert found(made, subject="p-2") == [held]
        assert found(made, target=("record", "r-55")) == [held]
        assert opened(made, expiries(made)[0].entry_index or 0).entry["details"]["held"] == 1
        assert await run_due(made) == []  # all of it is held: nothing is done, nothing is logged
        assert made.log.store.state().size == 4
        lift(made)
        assert await run_due(made) == ["standard/2025-01+1"]
        assert expired(made) == {first, held, last}
        assert made.parts.keyring.find_person("subject", "p-2") is None
        assert found(made, subject="p-2") == []
        await require_proofs(made)
    require_clean(tmp_path, clock, databases)


async def test_what_is_wholly_held_stays_where_it_is(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[0, 1]) as made:
        await append(made, about("p-1"), about("p-2"))
        clock.on(2026, 2)
        assert await run_due(made) == []
        assert made.parts.keyring.cohort_names() == ["standard/2025-01"]
        assert made.log.store.state().size == 2


async def test_some_of_what_was_moved_may_be_moved_again(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[1, 2]) as made:
        await append(made, about("p-1"), about("p-2"), about("p-3"))
        clock.on(2026, 2)
        await run_due(made)
        expiry(made).holds = HeldHere([2])
        assert await run_due(made) == ["standard/2025-01+1"]
        assert expired(made) == {0, 1}
        assert stored_cohort(made.log.entries.stored(2)) == "standard/2025-01+2"
        assert opened(made, 2).entry["subjects"][0]["id"] == "p-3"


async def test_a_held_entry_with_erased_parts_keeps_what_was_left_of_it(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[0]) as made:
        await append(made, about(ANNA.id), about("p-2"))
        await erasures(made).request(asked(), dpo(made))
        before = opened(made, 0)
        clock.on(2026, 2)
        await run_due(made)
        assert opened(made, 0) == before
        assert before.erased == ("subjects[0]", "shared")


async def test_a_person_in_a_moved_entry_can_still_be_erased(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[0]) as made:
        await append(made, about(ANNA.id), about("p-2"))
        clock.on(2026, 2)
        await run_due(made)
        assert (await erasures(made).request(asked(), dpo(made))).extent.parts == 2
        assert opened(made, 0).erased == ("subjects[0]", "shared")


async def test_a_held_entry_that_does_not_open_stops_the_expiry_before_anything_is_destroyed(tmp_path: Path) -> None:
    """Destroying the key would make sure that nobody can ever mend it."""
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[1]) as made:
        await append(made, about("p-1"), about("p-2"))
        damage(made, 1)
        clock.on(2026, 2)
        with pytest.raises(TlogError):
            await run_due(made)
        assert made.parts.keyring.cohort_names() == ["standard/2025-01", "standard/2025-01+1"]
        assert opened(made, 0).entry["subjects"][0]["id"] == "p-1"
        assert expiries(made)[0].state is ActState.BEGUN
