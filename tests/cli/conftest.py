from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.command import Command


@pytest.fixture
def tlog(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.delenv("TLOG_TOKEN", raising=False)
    monkeypatch.delenv("TLOG_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    yield Command(capsys)
    structlog.reset_defaults()


@pytest.fixture
def log(tlog: Command, tmp_path: Path) -> Path:
    """A new data folder without witnesses."""
    tlog("init", tmp_path / "log", "--origin", "example.com/log")
    return tmp_path / "log"
