"""What happens between the copies of a backup: entries of it have their keys, erasures their records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.conftest import NewUrl
from tests.service.older import new_databases
from tests.service.restored import backed_up, require_whole, restored
from tests.service.test_erasure import ANNA, BERT, about, append, asked, dpo, erasures, opened, settings
from tests.support import MadeLog, running_log
from tlog.service.backup_folder import Progress
from tlog.service.erasure import Erasure

NEW = 5


def at_the_end_of_each_copy(act: Callable[[str], None]) -> Progress:
    """Return what calls `act` with the name of each copy once all of it was read, and before the next one begins."""
    ended: set[str] = set()

    def progress(phase: str, done: int, total: int) -> None:
        if phase.startswith("copy ") and done == total and phase not in ended:
            ended.add(phase)
            act(phase)

    return progress


async def test_entries_of_new_persons_between_the_copies_have_their_keys_or_are_not_in_it(
    tmp_path: Path, new_url: NewUrl
) -> None:
    live, loop, copies = new_databases(new_url), asyncio.get_running_loop(), list[str]()
    async with running_log(tmp_path / "log", settings=settings(), urls=live.urls) as made:
        await append(made, about(ANNA.id))

        def strangers_come(phase: str) -> None:
            copies.append(phase)
            strangers = [about(f"stranger-{len(copies)}-{number}") for number in range(NEW)]
            asyncio.run_coroutine_threadsafe(append(made, *strangers), loop).result(60)

        progress = at_the_end_of_each_copy(strangers_come)
        backup = await asyncio.to_thread(backed_up, tmp_path / "log", live, tmp_path / "b", progress)
        assert len(copies) == 2
        assert made.log.store.state().size == 1 + 2 * NEW
    back = restored(backup, tmp_path / "log", tmp_path / "r", new_databases(new_url).urls)
    require_whole(back)
    assert back.log.store.state().size == backup.manifest.size
    back.close()


class Erasing:
    """Erases Anna in the log's event loop when told to from a thread, which goes on once her key is destroyed."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.destroyed = asyncio.Event()
        self.task: asyncio.Task[Erasure] | None = None

    def step(self, name: str) -> None:
        if name == "destroyed":
            self.destroyed.set()

    def now(self, made: MadeLog) -> None:
        asyncio.run_coroutine_threadsafe(self._begin(made), self.loop).result(60)

    async def _begin(self, made: MadeLog) -> None:
        if self.task is None:
            self.task = self.loop.create_task(erasures(made).request(asked(), dpo(made)))
            await self.destroyed.wait()


async def test_an_erasure_between_the_copies_has_its_record_in_the_backup(tmp_path: Path, new_url: NewUrl) -> None:
    """Her parts are in the copy of the entries, her key is not in that of the keyring: the record says what is left."""
    live, erasing = new_databases(new_url), Erasing()
    async with running_log(tmp_path / "log", settings=settings(), urls=live.urls, step=erasing.step) as made:
        await append(made, about(ANNA.id), about(ANNA.id, BERT.id))
        progress = at_the_end_of_each_copy(lambda _: erasing.now(made))
        backup = await asyncio.to_thread(backed_up, tmp_path / "log", live, tmp_path / "b", progress)
        assert erasing.task is not None
        assert (await erasing.task).status == "done"
    assert [name for name in backup.manifest.files if name.startswith("erasures/")] != []
    back = restored(backup, tmp_path / "log", tmp_path / "r", new_databases(new_url).urls)
    require_whole(back)
    assert [opened(back, index).erased for index in (0, 1)] == [("subjects[0]", "shared")] * 2
    back.close()
