"""`tlog act` against a served log that wants a second person, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.service.expired import CLASSES, Clock
from tests.service.test_erasure import settings
from tests.support import entry_document
from tlog.storage.roles import Role

CLOCK = Clock()
BY = ("--authorised-by", "Dana Officer")
WHAT = {
    "erasure": "Erase one person\n",
    "expiry": "Let entries expire whose period has ended\n",
    "lift": "Lift a hold\n",
}
REACH = {
    "erasure": ("Would reach: 1 entry\n",),
    "expiry": ("Cohort: short/2025-01\n", "Would expire now: 1 entry\n", "On hold, and kept: 0 entries\n"),
    "lift": ("Hold: 1\n", "The hold covers now: 2 entries\n"),
}
ACTS = tuple(WHAT)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    CLOCK.on(2025, 1)
    options = {"now": CLOCK, "retention": CLASSES, "settings": settings(second_person=True)}
    with served_in_a_thread(tmp_path / "log", **options) as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", Role.DPO))
        made.append(entry_document(), entry_document(retention="short", subjects=[{"id": "p-other"}]))
        yield made


def ask_for(tlog: Command, kind: str) -> str:
    """Have an act of a kind wait for a second person; its id."""
    if kind == "erasure":
        why = ("--legal-basis", "GDPR Art. 17(1)(b)", *BY)
        return str(tlog("erase", "--subject", "p-4711", *why, "--yes", "--json").json["act"])
    if kind == "lift":
        tlog("hold", "place", "--case", "C-1", "--source", "clinic", "--reason", "claim", *BY)
        return str(tlog("hold", "lift", "--case", "C-1", "--reason", "settled", *BY, "--json").json["acts"][0]["act"])
    CLOCK.on(2025, 3)
    return str(tlog("retention", "run", *BY, "--json").json["acts"][0]["act"])


@pytest.mark.parametrize("kind", ACTS)
@pytest.mark.parametrize("decision", ["approve", "decline"])
def test_a_second_person_decides_on_acts_of_every_kind(
    served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, kind: str, decision: str
) -> None:
    act = ask_for(tlog, kind)
    shown = tlog("act", "show", act, "--json").json
    assert (shown["act"], shown["kind"], shown["state"]) == (act, kind, "pending")
    for told in REACH[kind]:
        assert told in tlog("act", "show", act).out
    if kind != "erasure":
        shown["said"] = {name: told for name, told in shown["said"].items() if name not in {"entries", "held"}}
    assert tlog("act", "list", "--state", "pending", "--json").json == {"acts": [shown], "next": None}
    for told in (tlog("act", "show", act).out, tlog("act", "list").out):
        assert WHAT[kind] in told
        assert "Asked for by: dana" in told
        assert "On the authority of: Dana Officer" in told
    assert "second person" in tlog("act", "approve", act, code=1).err
    monkeypatch.setenv("TLOG_TOKEN", served.service.made.token("eve", Role.DPO))
    ended = tlog("act", decision, act, "--json").json
    assert ended["state"] == ("done" if decision == "approve" else "declined")
    entry = tlog("get", ended["index"], "--json").json["entry"]
    outcome = ("allowed", "eve") if decision == "approve" else ("denied", None)
    assert (entry["outcome"], entry["details"].get("approved_by")) == outcome
    assert "does not wait for anybody" in tlog("act", decision, act, code=1).err
    assert tlog("act", "list", "--state", "pending").out == "no such acts\n"


def test_the_list_says_what_each_is(served: Served, tlog: Command) -> None:
    acts = {kind: ask_for(tlog, kind) for kind in ACTS}
    lines = [line for line in tlog("act", "list").out.splitlines() if not line.startswith(" ")]
    assert [line.split()[1:3] for line in lines] == [
        ["lift", "pending"],
        ["hold", "done"],
        ["expiry", "pending"],
        ["erasure", "pending"],
    ]
    assert [line.split()[3] for line in lines if "pending" in line] == [acts["lift"], acts["expiry"], acts["erasure"]]
    assert tlog("act", "list", "--kind", "lift").out.splitlines()[:2] == [lines[0], "    Lift a hold"]
    assert tlog("act", "show", acts["lift"]).out.splitlines()[:2] == [lines[0], "    Lift a hold"]
    assert tlog("act", "list", "--kind", "hold", "--state", "pending").out == "no such acts\n"
    assert "p-4711" not in "".join(lines)
    assert [action for _, action in served.acts()] == ["tlog.hold.place"]
    assert served.service.size() == 2


def test_what_is_refused(served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    tlog("act", "list", "--kind", "murder", code=2)
    tlog("act", "list", "--state", "asleep", code=2)
    tlog("act", "approve", code=2)
    for command in ("show", "approve", "decline"):
        assert "there is no such act" in tlog("act", command, "x", "--json", code=1).error["error"]
    monkeypatch.setenv("TLOG_TOKEN", served.auditor)
    tlog("act", "list", code=1)
