"""kill -9 of the log at random points under load: nothing acknowledged is lost, nothing is signed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kills import kill_the_log

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

KILLS = 22


def test_nothing_acknowledged_is_lost_and_nothing_signed_twice(tmp_path: Path) -> None:
    survived = kill_the_log(tmp_path, KILLS)
    assert survived.acknowledged > 0
    assert survived.checkpoints > KILLS / 2
