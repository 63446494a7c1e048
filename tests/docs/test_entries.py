"""docs/entries.md: its commands run, its fields are those of an entry, its refusals those of the route."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.cli.test_search import Served, served_in_a_thread
from tests.docs.pages import page
from tlog.audit.entry import Entry
from tlog.http.openapi.document import document

ENTRIES = page("docs/entries.md")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        yield made


def run(served: Served, folder: Path, mark: str) -> list[str]:
    """Run the commands of a marked block and return what each line printed."""
    [script] = ENTRIES.marked(mark)
    env = {**os.environ, "TLOG_URL": served.url, "TLOG_TOKEN": served.service.token}
    script = script.replace("\ncurl", "\necho\ncurl")
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    return done.stdout.splitlines()


def test_the_commands_do_what_is_said(served: Served, tmp_path: Path) -> None:
    [shown] = ENTRIES.fences("json")
    assert json.loads(run(served, tmp_path, "append")[-1]) == json.loads(shown)
    again = json.loads(run(served, tmp_path, "append")[-1])
    assert again["entries"][0]["duplicate"] is True
    refused = json.loads(run(served, tmp_path, "refused")[-1])
    assert refused["type"] == "urn:problem-type:tlog:entry-invalid"
    assert {"outcome", "actor", "purpose"} <= {fault["path"] for fault in refused["errors"]}
    one, by_id, found, *_ = (json.loads(line) for line in run(served, tmp_path, "read") if line)
    assert one == by_id == found["entries"][0]
    assert (tmp_path / "entry-0.tlog-proof").read_bytes().startswith(b"c2sp.org/tlog-proof@")


def test_the_fields_are_those_of_an_entry() -> None:
    said = {cells[0].strip("`"): cells[1] == "yes" for cells in ENTRIES.rows() if cells[1] in {"yes", "no"}}
    there = {field.name: field.required for field in msgspec.structs.fields(Entry)}
    assert said == there


def test_the_refusals_are_those_of_the_route() -> None:
    responses = document()["paths"]["/v1/entries"]["post"]["responses"]
    said: dict[str, set[str]] = {}
    for cells in ENTRIES.rows():
        if cells[0][:1] in {"4", "5"}:
            for status in cells[0].split(", "):
                said.setdefault(status, set()).update(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", cells[1]))
    there = {status: set(types_of(response)) for status, response in responses.items() if status[0] in "45"}
    assert set(said) == set(there)
    for status, names in there.items():
        assert names <= said[status], status
    assert set().union(*said.values()) - {"errors", "seq", "id"} == set().union(*there.values())


def types_of(response: dict[str, object]) -> list[str]:
    found = re.findall(r"urn:problem-type:tlog:([a-z-]+)", json.dumps(response))
    assert found
    return found
