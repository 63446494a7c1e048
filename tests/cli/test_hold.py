"""`tlog hold` against a served log, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.support import entry_document
from tlog.storage.token_store import TokenKind

WHY = ("--reason", "claim of 3 May", "--authorised-by", "Dana Officer")
PLACE = ("hold", "place", "--case", "C-17/26", *WHY)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", TokenKind.DPO))
        made.append(entry_document())
        yield made


def test_a_hold_is_placed_listed_and_lifted(served: Served, tlog: Command, tmp_path: Path) -> None:
    path = tmp_path / "id.txt"
    path.write_text("p-4711\n")
    placed = tlog(*PLACE, "--subject-file", path, "--from", "2026-01-01", "--json").json
    assert (placed["hold"], placed["on_subject"], placed["source"]) == (1, True, None)
    assert placed["occurred_from"] == "2026-01-01T00:00:00.000000Z"
    listed = tlog("hold", "list").out
    assert "1  legal-hold" in listed
    assert "case C-17/26: one subject" in listed
    assert "p-4711" not in listed
    assert "done" in tlog("hold", "lift", "--case", "C-17/26", *WHY).out
    assert tlog("hold", "list").out == "nothing is held\n"
    assert [hold["hold"] for hold in tlog("hold", "list", "--all", "--json").json["holds"]] == [1]
    assert served.service.size() == 3


def test_a_ground_of_article_17(served: Served, tlog: Command) -> None:
    said = tlog(*PLACE, "--by-case", "--kind", "art-17-3", "--ground", "e").out
    assert said.startswith("1  art-17-3 (e)  since ")
    assert "naming the case" in said
    assert served.service.size() == 2


def test_what_is_refused_says_why(served: Served, tlog: Command) -> None:
    assert "scope" in tlog(*PLACE, code=1).err
    assert "kind" in tlog(*PLACE, "--source", "clinic", "--kind", "forever", code=1).err
    tlog(*PLACE, "--subject", "a", "--subject-file", "b", code=2)
    tlog("hold", "lift", *WHY, code=2)
    assert "no such hold" in tlog("hold", "lift", "--hold", "7", *WHY, code=1).err
    assert served.service.size() == 1
