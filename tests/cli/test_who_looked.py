from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.support import entry_document
from tlog.storage.roles import Role


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("jane", Role.AUDITOR))
        yield made


def test_who_looked_at_an_entry_and_at_a_person(tlog: Command, served: Served, tmp_path: Path) -> None:
    served.append(entry_document())
    assert tlog("who-looked", 0).out == "none found: nobody looked at this entry\n"
    assert "there is no entry 99999" in tlog("who-looked", 99999, code=1).err
    tlog("get", 0)
    said = tlog("who-looked", 0, "--json").json
    assert [(each["actor"]["id"], each["operation"], each["shown"]) for each in said["accesses"]] == [
        ("jane", "readEntry", [0])
    ]
    assert "token jane" in tlog("who-looked", 0).out
    person = tmp_path / "person.txt"
    person.write_text("p-unheard-of\n")
    none = "none found: nobody looked, or this log does not know the person (any more)\n"
    assert tlog("who-looked", "--subject-file", person).out == none
    person.write_text("p-4711\n")
    assert tlog("who-looked", "--subject-file", person, "--json").json["accesses"][0]["shown"] == [0]
    assert "(by name)" in tlog("who-looked", "--subject-file", person).out, "the question before named them"


def test_more_than_a_page_is_followed_and_the_rest_is_said(tlog: Command, served: Served) -> None:
    served.append(entry_document())
    for _ in range(3):
        tlog("get", 0)
    assert len(tlog("who-looked", 0, "--limit", 2, "--json").json["accesses"]) == 2
    assert "there are more" in tlog("who-looked", 0, "--limit", 2).out


def test_wrong_usage_is_2(tlog: Command, served: Served, tmp_path: Path) -> None:
    tlog("who-looked", code=2)
    tlog("who-looked", 0, "--subject-file", tmp_path / "x", code=2)
