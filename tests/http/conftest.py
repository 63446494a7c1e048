from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.service import Service, serve
from tests.support import TAKES_LEAVES, running_log
from tlog.service.settings import LogSettings


@pytest.fixture
async def service(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[Service]:
    """A served log of sealed entries whose quorum is `none`."""
    async with running_log(tmp_path / "log", urls=urls) as made, serve(made) as served:
        yield served


@pytest.fixture
async def leaf_service(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log of sealed entries that takes leaves sealed by their producers as well."""
    async with running_log(tmp_path / "log", settings=TAKES_LEAVES) as made, serve(made) as served:
        yield served


@pytest.fixture
async def raw_service(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log of raw leaves."""
    settings = LogSettings(raw_leaves=True, checkpoint_interval=0.02, sealing_processes=0)
    async with running_log(tmp_path / "log", settings=settings) as made, serve(made) as served:
        yield served
