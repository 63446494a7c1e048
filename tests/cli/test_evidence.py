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
    assert shown.splitlines()[-1] == "verified: 2 entries of example.com/log"
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


@pytest.mark.usefixtures("served")
def test_a_page_is_written_by_its_name_or_on_demand_and_its_data_verifies(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page, policy = tmp_path / "case.html", tmp_path / "policy.txt"
    tlog("evidence", 1, "--all", "-o", page)
    tlog("evidence", 1, "--all", "--html")
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert (tmp_path / "evidence-1.html").read_bytes().startswith(b"<!doctype html>")
    said = tlog("verify", page, "--policy", policy)
    assert "ok  inclusion" in said.out
    assert said.out.splitlines()[-1].startswith("verified: entry ")
    assert "byte for byte what this version of tlog makes" in said.out
    values = tlog("verify", page, "--policy", policy, "--json").json
    assert values["entries"][0]["fields"]["actor.id"] == "e-1007"
    assert values["page"].startswith("read out of the page")
    page.write_bytes(page.read_bytes().replace(b"<h1", b"<h1 hidden>Verified!</h1><h1", 1))
    said = tlog("verify", page, "--policy", policy)
    assert "what it shows in a browser was not checked" in said.out
    assert said.out.splitlines()[-1].startswith("verified; but the page itself was changed"), "the last word is no yes"
    page.write_bytes(page.read_bytes().replace(b'"index": 1', b'"index": 2', 1))
    assert tlog("verify", page, "--policy", policy, "--json", code=1).error["check"] in {"inclusion", "time bracket"}


@pytest.mark.usefixtures("served")
def test_fields_are_taken_out_of_a_file_offline(tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, less, policy = tmp_path / "case.html", tmp_path / "less.json", tmp_path / "policy.txt"
    tlog("evidence", 0, 1, "--all", "-o", whole)
    monkeypatch.delenv("TLOG_URL")
    monkeypatch.delenv("TLOG_TOKEN")
    before = whole.read_bytes()
    said = tlog("redact", whole, "--redact", "actor", "--redact", "details", "-o", less, "--json").json
    assert said == {"file": str(less), "redacted": 6, "entries": [0, 1]}
    assert whole.read_bytes() == before
    assert less.stat().st_mode & 0o077 == 0
    for path in (less, tmp_path / "less.html"):
        tlog("redact", whole, "--redact", "actor", "--redact", "details", "-o", path)
        assert b"Ada" not in path.read_bytes()
        values = tlog("verify", path, "--policy", policy, "--json").json
        assert [entry["hidden_fields"] for entry in values["entries"]] == [3, 3]
        assert not any(name.startswith("actor") for entry in values["entries"] for name in entry["fields"])
    assert "0 fields taken out" in tlog("redact", less, "--redact", "actor", "-o", less).out
    shorter = parse_evidence(tlog("redact", less, "--redact", "purpose", "-o", "-").out.encode())
    assert "purpose" not in shorter.entries[0].disclosures


@pytest.mark.usefixtures("served")
def test_what_cannot_be_redacted_is_refused_and_nothing_is_written(tlog: Command, tmp_path: Path) -> None:
    whole, less = tmp_path / "case.json", tmp_path / "less.json"
    tlog("evidence", 0, "--all", "-o", whole)
    tlog("redact", whole, "--redact", "Actor", "-o", less, code=2)
    tlog("redact", whole, "-o", less, code=2)
    tlog("redact", whole, "--redact", "actor", code=2)
    tlog("redact", whole, "--redact", "actor", "-o", "-", "--json", code=2)
    document = json.loads(whole.read_bytes())
    shown = document["entries"][0]["disclosures"]
    shown["purpose"], shown["actor.name"] = shown["actor.name"], shown["purpose"]
    whole.write_text(json.dumps(document))
    refused = tlog("redact", whole, "--redact", "actor", "-o", less, "--json", code=1)
    assert refused.error["check"] == "leaf", "under a false name, the actor's name would have stayed in"
    assert not less.exists()
