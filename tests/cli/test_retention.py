"""`tlog retention` against a served log, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.service.expired import CLASSES, Clock
from tests.service.test_erasure import settings
from tests.support import entry_document
from tlog.cli.config import RetentionPeriod
from tlog.cli.retention_option import DEFAULT, retention_periods
from tlog.client.words import waiting
from tlog.storage.expiry_pause import PAUSE_FILE, ExpiryPause
from tlog.storage.roles import Role

CLOCK = Clock()


@pytest.fixture(params=[False])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command
) -> Iterator[Served]:
    CLOCK.on(2025, 1)
    options = {"now": CLOCK, "retention": CLASSES, "settings": settings(second_person=request.param)}
    with served_in_a_thread(tmp_path / "log", **options) as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", Role.DPO))
        made.append(entry_document(), entry_document(retention="short"))
        yield made


def test_a_plan_and_a_run(served: Served, tlog: Command) -> None:
    assert "nothing expires" in tlog("retention", "plan", "--until", "2025-01-31").out
    CLOCK.on(2025, 3)
    out = tlog("retention", "plan", "--until", "2026-12-31").out
    assert out.splitlines()[0] == "up to 2026-12-31:"
    assert "2025-03-01 (due)  short/2025-01  1 entry  1 month: a month" in out
    assert "2026-02-01  standard/2025-01  2 entries  12 months: a year" in out, "and that the plan was asked for before"
    said = tlog("retention", "plan", "--json").json["cohorts"]
    assert [(cohort["cohort"], cohort["due"]) for cohort in said] == [("short/2025-01", True)]
    [act] = tlog("retention", "run", "--authorised-by", "Dana Officer", "--json").json["acts"]
    assert (act["state"], act["entries"]) == ("done", 1)
    assert tlog("retention", "run", "--authorised-by", "Dana Officer").out.strip() == "nothing is due"
    assert [action for _, action in served.acts()] == ["tlog.expiry"]
    assert served.service.size() == 2


def test_a_pause_is_said_and_ended(served: Served, tlog: Command, tmp_path: Path) -> None:
    (tmp_path / "log" / PAUSE_FILE).touch()
    lines = tlog("retention", "plan").out.splitlines()
    assert lines[0].startswith("paused, nothing expires by itself: ")
    assert "tlog retention run" in lines[1]
    ExpiryPause(tmp_path / "log" / PAUSE_FILE).begin("2025-01-10T00:00:00.000000Z", "a restore")
    out = tlog("retention", "plan").out
    assert out.startswith("paused since 2025-01-10T00:00:00, nothing expires by itself: a restore\n")
    assert tlog("retention", "plan", "--json").json["paused"]["reason"] == "a restore"
    assert tlog("retention", "run", "--authorised-by", "Dana").out.strip().endswith("done  expiry goes on by itself")
    assert "paused" not in tlog("retention", "plan").out


@pytest.mark.parametrize("served", [True], indirect=True)
def test_a_second_person_approves(served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK.on(2025, 3)
    out = tlog("retention", "run", "--authorised-by", "Dana Officer").out
    act, state, *rest = out.split()
    assert (state, " ".join(rest)) == ("pending", f"1 entry {waiting(act)}")
    assert tlog("retention", "run", "--authorised-by", "Dana Officer").out == out, "asked again, it is the same act"
    monkeypatch.setenv("TLOG_TOKEN", served.service.made.token("eve", Role.DPO))
    assert tlog("erase", "approve", act, "--json").json["state"] == "done"


def test_what_is_held_waits_for_the_hold(served: Served, tlog: Command) -> None:
    why = ("--reason", "claim", "--authorised-by", "Dana Officer")
    tlog("hold", "place", "--case", "C-1", "--source", "clinic", *why)
    CLOCK.on(2025, 3)
    assert "2025-03-01 (due, waits for the hold)  short/2025-01  0 entries, 1 held" in tlog("retention", "plan").out
    refused = tlog("retention", "run", "--authorised-by", "", code=1).err
    assert "--authorised-by: expected a string of 1 to 1024" in refused


def test_a_bad_day_and_a_wrong_token(served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "'--until': expected a day" in tlog("retention", "plan", "--until", "soon", code=2).err
    monkeypatch.setenv("TLOG_TOKEN", served.auditor)
    tlog("retention", "plan", code=1)
    tlog("retention", "run", "--authorised-by", "x", code=1)
    tlog("retention", "run", code=2)


def test_classes_of_the_option() -> None:
    assert retention_periods([]) == DEFAULT
    assert retention_periods(["a=1: why ", "b=120:law X, § 3: ten years"]) == {
        "a": RetentionPeriod(1, "why"),
        "b": RetentionPeriod(120, "law X, § 3: ten years"),
    }


@pytest.mark.parametrize("option", ["a", "a=1", "a=1:", "a=1: ", "a=0:x", "A=1:x", "a=-1:x", "=1:x", "a=1:x\ny"])
def test_a_bad_option_is_refused(option: str) -> None:
    with pytest.raises(typer.BadParameter):
        retention_periods([option])


def test_a_class_twice_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="a is given twice"):
        retention_periods(["a=1:x", "a=2:y"])
