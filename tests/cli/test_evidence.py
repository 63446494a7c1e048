"""`tlog evidence` and `tlog verify` of what it wrote, against a served log, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.test_search import Served, served_in_a_thread
from tests.service.test_erasure import settings
from tests.support import entry_document
from tlog.audit.evidence import parse_evidence
from tlog.formats.policy import encode_policy
from tlog.storage.roles import Role


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tlog: Command) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log", settings=settings()) as made:
        monkeypatch.setenv("TLOG_URL", made.url)
        monkeypatch.setenv("TLOG_TOKEN", made.service.made.token("jane", Role.AUDITOR))
        made.append(*(entry_document() for _ in range(3)))
        (tmp_path / "policy.txt").write_bytes(encode_policy(made.service.made.log.policy))
        yield made


@pytest.mark.usefixtures("served")
def test_from_the_log_to_a_verified_file(tlog: Command, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    said = tlog("evidence", 2, 0, "--all", "--redact", "actor.name", "-o", case, "--json").json
    assert said == {"file": str(case), "entries": [0, 2]}
    assert case.stat().st_mode & 0o077 == 0, "it holds personal data"
    shown = tlog("verify", case, "--policy", tmp_path / "policy.txt").out
    assert "ok  consistency" in shown
    assert "entry 2 of example.com/log, when it was logged is not proved: the policy wants no witness" in shown
    assert 'actor.id: "e-1007"' in shown
    assert "and 1 digest of what is not shown" in shown
    values = tlog("verify", case, "--policy", tmp_path / "policy.txt", "--json").json
    assert [entry["index"] for entry in values["entries"]] == [0, 2]
    assert "Dr. Ada Example" not in json.dumps(values)


@pytest.mark.usefixtures("served")
def test_only_the_core_is_shown_where_nothing_else_was_asked_for(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tlog("evidence", 1)
    [entry] = parse_evidence((tmp_path / "evidence-1.json").read_bytes()).entries
    assert {"source", "action", "purpose"} <= entry.disclosures.keys()
    assert not [name for name in entry.disclosures if name.startswith(("actor", "subjects", "targets"))]


@pytest.mark.usefixtures("served")
def test_a_changed_file_is_refused_by_name(tlog: Command, tmp_path: Path) -> None:
    case, policy = tmp_path / "case.json", tmp_path / "policy.txt"
    tlog("evidence", 1, "--all", "-o", case)
    document = json.loads(case.read_bytes())
    document["entries"][0]["disclosures"].pop("purpose")
    case.write_text(json.dumps(document))
    failed = tlog("verify", case, "--policy", policy, "--json", code=1)
    assert failed.error["check"] == "leaf"
    case.write_text('{"format": "tlog-evidence/v1"}')
    assert tlog("verify", case, "--policy", policy, "--json", code=1).error["check"] == "format"


@pytest.mark.usefixtures("served")
def test_what_makes_no_sense_is_wrong_usage(tlog: Command, tmp_path: Path) -> None:
    tlog("evidence", 1, "-o", "-", "--json", code=2)
    tlog("evidence", "x", code=2)
    tlog("evidence", 1, "-o", tmp_path / "case.json")
    tlog("verify", tmp_path / "case.json", "--policy", tmp_path / "policy.txt", "--leaf", "0" * 64, code=2)
    assert "no entry has index 9" in tlog("evidence", 9, code=1).err
