"""The program around the measurements, with measurements that take no time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as program
from bench.figure import Figure, Floor
from bench.run import Run


def slow(run: Run) -> Iterator[Figure]:
    yield Figure("slow", run.pick(10, 1), "x/s", floor=Floor(100))


def broken(run: Run) -> Iterator[Figure]:
    yield Figure("first", 1, "x/s")
    raise RuntimeError(f"the second could not be measured in {run.folder('broken')}")


@pytest.fixture(autouse=True)
def measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MEASUREMENTS", {"slow": slow, "broken": broken})


def test_a_floor_that_is_not_met_is_said_and_fails_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert program.main(["slow", "--quick", "--json", str(out), "--dir", str(tmp_path)]) == 0
    assert (
        "slow                                          1 x/s   [floor: at least 100: not met]"
        in capsys.readouterr().out
    )
    document = json.loads(out.read_bytes())
    assert document["machine"]["cores"] >= 1
    assert document["quick"] is True
    assert [figure["verdict"] for figure in document["figures"]] == ["not met"]
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"], "nothing is left behind"


def test_a_measurement_that_fails_costs_neither_its_earlier_figures_nor_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    assert program.main(["broken", "slow", "--json", str(out)]) == 1
    document = json.loads(out.read_bytes())
    assert [figure["name"] for figure in document["figures"]] == ["first", "slow"]
    assert document["failed"] == ["broken"]
    assert "broken: FAILED" in capsys.readouterr().out


def test_an_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        program.main(["fast"])
    assert "no such measurement: fast" in capsys.readouterr().err
