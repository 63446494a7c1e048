"""`tlog subject-access` against a served log, in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.access_material import HIDDEN, OTHER, PERSON, planted
from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.service.test_erasure import damage, settings
from tests.support import entry_document
from tlog.audit.subject_access import parse_subject_access
from tlog.formats.policy import encode_policy
from tlog.storage.roles import Role

MINE = [OTHER, {"id": PERSON, "data": {"fields": ["allergies"]}}]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log", settings=settings()) as made:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("dana", Role.DPO))
        made.append(planted(subjects=MINE), entry_document(subjects=[{"id": "p-2"}]), planted())
        (tmp_path / "id.txt").write_text(f"{PERSON}\n")
        yield made


WHO = ("--subject-file", "id.txt", "--authorised-by", "Dana Officer")


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_a_file_for_its_owner_only(served: Served, tlog: Command, tmp_path: Path, form: str) -> None:
    said = tlog("subject-access", *WHO, "--format", form, "--json").json
    path = tmp_path / f"subject-access.{form}"
    assert (said["file"], said["entries"], said["unreadable"], said["tree_size"]) == (path.name, 2, 0, 3)
    assert path.stat().st_mode & 0o077 == 0
    text = path.read_text("utf-8").casefold()
    assert "allergies" in text
    assert not [word for word in HIDDEN if word.casefold() in text]
    entry = json.loads(tlog("get", 3, "--json").out)["entry"]
    assert (entry["action"], entry["id"]) == ("tlog.subject-access", said["act"])


def test_a_readable_file_is_the_default(served: Served, tlog: Command, tmp_path: Path) -> None:
    said = tlog("subject-access", *WHO)
    assert said.out.startswith("wrote subject-access.html: 2 entries, up to tree size 3; act ")
    assert (tmp_path / "subject-access.html").read_bytes().startswith(b"<!doctype html>")


def test_the_id_may_come_from_stdin_and_the_file_go_to_stdout(
    served: Served, tlog: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PERSON.encode())))
    out = tlog("subject-access", "--subject-file", "-", *WHO[2:], "--format", "json", "-o", "-").out
    assert [entry.index for entry in parse_subject_access(out.encode()).entries] == [0, 2]
    assert [path.name for path in tmp_path.glob("subject-access*")] == []


def test_evidence_verifies_and_shows_no_more(served: Served, tlog: Command, tmp_path: Path) -> None:
    said = tlog("subject-access", *WHO, "--evidence", "proof.json", "--json").json
    assert said["evidence"] == "proof.json"
    (tmp_path / "policy.txt").write_bytes(encode_policy(served.service.made.log.policy))
    assert (tmp_path / "proof.json").stat().st_mode & 0o077 == 0
    values = tlog("verify", "proof.json", "--policy", "policy.txt", "--json").json
    assert [entry["index"] for entry in values["entries"]] == [0, 2]
    text = json.dumps(values).casefold()
    assert "allergies" in text
    assert not [word for word in HIDDEN if word.casefold() in text]


def test_the_period_and_details(served: Served, tlog: Command, tmp_path: Path) -> None:
    none = tlog("subject-access", *WHO, "--from", "2026-03-02", "--json")
    assert (none.json["entries"], none.json["known"], none.err) == (0, True, "")
    tlog("subject-access", *WHO, "--to", "2026-03-02", "--include-details", "--format", "json", "-o", "x.json")
    found = parse_subject_access((tmp_path / "x.json").read_bytes())
    assert (found.start, found.end, found.include_details) == (None, "2026-03-02T00:00:00.000000Z", True)
    assert "note-hidden-31" in (tmp_path / "x.json").read_text()


def test_what_can_not_be_read_is_said(served: Served, tlog: Command) -> None:
    damage(served.service.made, 0)
    assert "1 entry and 1 that can't be read" in tlog("subject-access", *WHO).out


def test_nobody_has_a_file_that_says_so(served: Served, tlog: Command, tmp_path: Path) -> None:
    (tmp_path / "id.txt").write_text("p-nobody")
    done = tlog("subject-access", *WHO, "--evidence", "proof.json", "--json")
    assert (done.json["entries"], done.json["evidence"], done.json["known"]) == (0, None, False)
    assert "nobody of this id is known here" in done.err
    assert "no entries about you" in (tmp_path / "subject-access.html").read_text()
    assert not (tmp_path / "proof.json").exists()


def test_wrong_usage_and_refusals_write_nothing(served: Served, tlog: Command, tmp_path: Path) -> None:
    tlog("subject-access", *WHO, "-o", "-", "--json", code=2)
    tlog("subject-access", *WHO, "-o", "-", "--evidence", "-", code=2)
    tlog("subject-access", *WHO, "--format", "pdf", code=2)
    tlog("subject-access", *WHO, "--from", "yesterday", code=2)
    tlog("subject-access", "--authorised-by", "Dana Officer", code=2)
    refused = tlog("subject-access", *WHO[:3], f"as {PERSON} asked", code=1)
    assert refused.err.startswith("tlog: --authorised-by: it contains the person's id")
    assert "--subject " not in tlog("subject-access", "--help").out
    assert served.service.size() == 3
    assert [path.name for path in tmp_path.glob("subject-access*")] == []
