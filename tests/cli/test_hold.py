"""`tlog hold` against a served log, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.support import entry_document
from tlog.storage.roles import Role

WHY = ("--reason", "claim of 3 May", "--authorised-by", "Dana Officer")
PLACE = ("hold", "place", "--case", "C-17/26", *WHY)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", Role.DPO))
        made.append(entry_document())
        yield made


def test_a_hold_is_placed_listed_and_lifted(served: Served, tlog: Command, tmp_path: Path) -> None:
    path = tmp_path / "id.txt"
    path.write_text("p-4711\n")
    placed = tlog(*PLACE, "--subject-file", path, "--from", "2026-01-01", "--json").json
    assert (placed["hold"], placed["on_subject"], placed["source"]) == (1, True, None)
    assert (placed["entries"], placed["entries_or_more"]) == (1, False)
    assert placed["occurred_from"] == "2026-01-01T00:00:00.000000Z"
    listed = tlog("hold", "list").out
    assert "1  legal-hold" in listed
    assert "case C-17/26: one subject" in listed
    assert "p-4711" not in listed
    lifted = tlog("hold", "lift", "--case", "C-17/26", *WHY).out.splitlines()
    assert lifted[0].startswith("1  legal-hold  lifted 2")
    assert lifted[1].endswith("  done")
    assert tlog("hold", "list").out == "nothing is held\n"
    assert [hold["hold"] for hold in tlog("hold", "list", "--all", "--json").json["holds"]] == [1]
    assert [action for _, action in served.acts()] == ["tlog.hold.place", "tlog.hold.lift"]


def test_a_ground_of_article_17(served: Served, tlog: Command) -> None:
    said = tlog(*PLACE, "--by-case", "--kind", "art-17-3", "--ground", "e")
    assert said.out.startswith("1  art-17-3 (e)  since ")
    assert "naming the case" in said.out
    assert said.out.endswith("\ncovers 0 entries now\n")
    assert "covers no entry yet" in said.err
    assert [action for _, action in served.acts()] == ["tlog.hold.place"]


def test_it_is_said_how_many_entries_a_hold_covers(served: Served, tlog: Command) -> None:
    served.append(
        entry_document(targets=[{"type": "case", "id": "C-17/26"}], correlation={"trace_id": "C-17/26"}),
        entry_document(correlation={"request_id": "C-17/26"}, occurred_at="2026-05-01T00:00:00Z"),
        entry_document(occurred_at="2026-05-01T00:00:00Z", subjects=[{"id": "p-2"}]),
    )
    for scope, count in (
        (("--by-case",), 2),
        (("--by-case", "--from", "2026-04-01"), 1),
        (("--source", "clinic"), 4),
        (("--subject", "p-4711"), 3),
        (("--subject", "p-4711", "--to", "2026-04-01"), 2),
        (("--source", "shop"), 0),
    ):
        placed = tlog(*PLACE, *scope)
        assert placed.out.splitlines()[1] == f"covers {count} entr{'y' if count == 1 else 'ies'} now"
        assert (placed.err == "") is (count > 0)


def test_what_is_refused_says_why(served: Served, tlog: Command) -> None:
    assert "scope" in tlog(*PLACE, code=2).err
    assert "'--kind': one of legal-hold, art-17-3" in tlog(*PLACE, "--by-case", "--kind", "forever", code=2).err
    assert "'--from': expected a time" in tlog(*PLACE, "--from", "2026-02-30", code=2).err
    assert "--ground belongs to" in tlog(*PLACE, "--by-case", "--ground", "e", code=2).err
    assert "'--ground': one of" in tlog(*PLACE, "--by-case", "--kind", "art-17-3", "--ground", "f", code=2).err
    backwards = tlog(*PLACE, "--from", "2026-02-02", "--to", "2026-02-01", code=1).err
    assert backwards == "tlog: --to: it must be after --from\n"
    assert "--source: expected a source name" in tlog(*PLACE, "--source", "No!", code=1).err
    tlog(*PLACE, "--subject", "a", "--subject-file", "b", code=2)
    tlog("hold", "lift", *WHY, code=2)
    assert "no such hold" in tlog("hold", "lift", "--hold", "7", *WHY, code=1).err
    assert (served.service.size(), served.acts()) == (1, [])
