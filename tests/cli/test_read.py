"""`tlog read` of folders whose log is stopped, halted or served, with real processes on the other side."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.rollback import copy_database, lines, put_back, require_halted
from tests.cli.command import Command
from tests.processes import TLOG, Program, run, run_json, running
from tests.support import entry_document
from tests.town import town

pytestmark = pytest.mark.processes
BY = ("--purpose", "request 4 of the regulator", "--authorised-by", "Dana Officer")
ANNA = "anna-marker-7"


@dataclass(frozen=True, slots=True)
class Made:
    """A stopped log with entries, and files with tokens of its people. `said` is what it answered while it ran."""

    folder: Path
    first: int
    said: dict[str, dict[str, Any]]

    @property
    def base(self) -> Path:
        return self.folder.parent

    @property
    def policy(self) -> Path:
        return self.folder / "policy.txt"

    @property
    def notes(self) -> list[Path]:
        return sorted((self.folder / "notes").glob("*.json"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A log in which Anna was erased from one entry of three."""
    base = tmp_path_factory.mktemp("original")
    run([*TLOG, "init", str(base / "log"), "--origin", "example.com/log"])
    return fill(base)


def fill(base: Path) -> Made:
    for name, option in (("clinic", "--source"), ("jane", "--auditor"), ("dana", "--dpo")):
        text = run([*TLOG, "token", "add", str(base / "log"), option, name])
        (base / f"{name}.token").write_text(text)
        (base / f"{name}.token").chmod(0o600)
    documents = [
        entry_document(subjects=[{"id": "bert-8"}]),
        entry_document(subjects=[{"id": "carl-9"}, {"id": "bert-8"}], action="billing.sent"),
        entry_document(subjects=[{"id": ANNA}], actor={"type": "employee", "id": "e-2"}),
    ]
    (base / "entries").write_text("".join(json.dumps(document) + "\n" for document in documents))
    (base / "carl").write_text("carl-9\n")
    with serving(base / "log") as program:
        stored = run_json(ask(program, base, "clinic", "append", base / "entries", "--wait", "witnessed", "--json"))
        first = stored["first_index"]
        erase = ("erase", "--subject-file", base / "carl", "--legal-basis", "GDPR Art. 17(1)(b)", "--yes", "--json")
        run(ask(program, base, "dana", *erase, "--authorised-by", "Dana Officer"))
        said = {
            "get": run_json(ask(program, base, "jane", "get", first + 1, "--json")),
            "search": run_json(ask(program, base, "jane", "search", "--subject", "bert-8", "--json")),
        }
        assert program.stop() == 0
    return Made(base / "log", first, said)


def login_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def ask(program: Program, base: Path, who: str, command: str, *arguments: object) -> list[str]:
    at = ("--url", program.url, "--token-file", base / f"{who}.token")
    return [str(argument) for argument in (*TLOG, command, *arguments, *at)]


@contextmanager
def serving(folder: Path) -> Iterator[Program]:
    with running([*TLOG, "serve", str(folder), "--port", "0", "--json"]) as program:
        yield program


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    """A copy of it, for a test to itself."""
    shutil.copytree(original.base, tmp_path / "copy")
    return Made(tmp_path / "copy" / "log", original.first, original.said)


def test_entries_are_shown_as_get_and_search_show_them(tlog: Command, made: Made) -> None:
    by_index = tlog("read", made.folder, made.first + 1, *BY, "--json").json
    assert by_index == made.said["get"]
    assert by_index["erased"] == ["subjects[0]", "shared"]
    assert tlog("read", made.folder, by_index["entry"]["id"], *BY, "--json").json == by_index
    assert tlog("read", made.folder, "--subject", "bert-8", *BY, "--json").json == made.said["search"]
    shown = tlog("read", made.folder, made.first, made.first + 1, *BY)
    assert [line for line in shown.out.splitlines() if line.startswith("entry ")] != []
    assert "fields were erased" in shown.out
    several = tlog("read", made.folder, made.first, made.first + 1, *BY, "--json").json
    assert [entry["index"] for entry in several["entries"]] == [made.first, made.first + 1]
    table = tlog("read", made.folder, "--actor", "employee", "e-2", *BY)
    assert ANNA in table.out
    rows = tlog("read", made.folder, "--source", "clinic", "--all", "--csv", *BY).out.splitlines()
    assert (len(rows), rows[0][:6]) == (4, "index,")
    assert tlog("read", made.folder, "--action", "no.such", *BY).out == "no entry matches\n"
    first_page = tlog("read", made.folder, "--source", "clinic", "--limit", 2, *BY, "--json").json
    assert [entry["index"] for entry in first_page["entries"]] == [made.first + 2, made.first + 1]
    rest = tlog("read", made.folder, "--source", "clinic", "--cursor", first_page["next"], *BY, "--json").json
    assert [entry["index"] for entry in rest["entries"]] == [made.first]


def test_a_read_is_a_note_without_personal_data_and_then_an_entry_that_who_looked_finds(
    tlog: Command, made: Made, tmp_path: Path
) -> None:
    tlog("read", made.folder, "--subject", ANNA, *BY)
    tlog("read", made.folder, made.first, *BY)
    assert len(made.notes) == 2
    for note in made.notes:
        data = note.read_bytes()
        assert note.stat().st_mode & 0o777 == 0o600
        for secret in (ANNA, "Dana", "regulator", "bert-8", "e-2"):
            assert secret.encode() not in data
        assert json.loads(data)["action"] == "tlog.read.offline"
    (tmp_path / "anna").write_text(f"{ANNA}\n")
    with serving(made.folder) as program:
        assert made.notes == [], "they are logged before the log answers anybody"
        of_person = run_json(
            ask(program, made.base, "jane", "who-looked", "--subject-file", tmp_path / "anna", "--json")
        )
        of_entry = run_json(ask(program, made.base, "jane", "who-looked", made.first, "--json"))
        found = run_json(ask(program, made.base, "jane", "search", "--action", "tlog.read.offline", "--json"))
        by_reader = run_json(
            ask(program, made.base, "jane", "search", "--actor", "tlog-operator", login_name(), "--json")
        )
        assert [entry["index"] for entry in by_reader["entries"]] == [entry["index"] for entry in found["entries"]]
    [by_name] = of_person["accesses"]
    assert (by_name["shown"], by_name["by_name"]) == ([made.first + 2], True)
    assert by_name["actor"] == {"type": "tlog-operator", "id": login_name(), "name": "Dana Officer"}
    offline = [access for access in of_entry["accesses"] if access["action"] == "tlog.read.offline"]
    assert [(access["operation"], access["shown"]) for access in offline] == [("readEntry", [made.first])]
    assert {entry["entry"]["details"]["purpose"] for entry in found["entries"]} == {"request 4 of the regulator"}


@pytest.mark.parametrize("obstacle", ["a file in its place", "a folder in which nothing can be made"])
def test_what_cannot_be_noted_is_neither_printed_nor_written(
    tlog: Command, made: Made, tmp_path: Path, obstacle: str
) -> None:
    shutil.rmtree(made.folder / "notes", ignore_errors=True)
    if obstacle == "a file in its place":
        (made.folder / "notes").touch()
    else:
        (made.folder / "notes").symlink_to("/proc")
    case = tmp_path / "case.json"
    for arguments in (
        (made.first,),
        (made.first, "--json"),
        ("--subject", ANNA),
        ("--all", "--csv"),
        (made.first, "--evidence", "-o", case),
        (made.first, "--evidence", "-o", "-"),
    ):
        refused = tlog("read", made.folder, *arguments, *BY, code=1)
        assert refused.out == "", arguments
        assert "what can't be noted is not shown" in refused.err
    assert not case.exists()
    assert "what can't be noted" in tlog("read", made.folder, 1, "--json", *BY, code=1).error["error"]


def test_a_purpose_that_names_whom_it_looks_up_is_refused(tlog: Command, made: Made) -> None:
    for given, option in (
        (("--purpose", f"complaint of {ANNA}", "--authorised-by", "Dana"), "--purpose"),
        (("--purpose", "a complaint", "--authorised-by", f"Dana for {ANNA}"), "--authorised-by"),
    ):
        refused = tlog("read", made.folder, "--subject", ANNA, *given, code=1)
        assert refused.out == ""
        assert refused.err.startswith(f"tlog: {option}: it contains the id of the person who is looked up")
    assert made.notes == []


def test_a_log_that_is_served_is_not_read_beside_it(tlog: Command, made: Made) -> None:
    with serving(made.folder):
        refused = tlog("read", made.folder, made.first, *BY, code=1)
        assert refused.out == ""
        assert "is served by another process already. Ask it with 'tlog search'" in refused.err
        assert "where it is halted, and shows no entry, stop it first" in refused.err
    assert made.notes == []
    tlog("read", made.folder, made.first, *BY)


@pytest.mark.parametrize("name", ["case.json", "case.html"])
def test_evidence_verifies_elsewhere(tlog: Command, made: Made, tmp_path: Path, name: str) -> None:
    case = tmp_path / name
    indices = (made.first + 2, made.first)
    said = tlog("read", made.folder, *indices, "--evidence", "--disclose", "subjects", "-o", case, *BY, "--json").json
    assert said == {"file": str(case), "entries": sorted(indices)}
    assert case.stat().st_mode & 0o077 == 0
    verified = run_json([*TLOG, "verify", str(case), "--policy", str(made.policy), "--json"])
    assert verified["ok"]
    assert [entry["index"] for entry in verified["entries"]] == sorted(indices)
    fields = verified["entries"][1]["fields"]
    assert fields["subjects[0]"]["id"] == ANNA
    assert "actor.id" not in fields
    whole = run([*map(str, (*TLOG, "read", made.folder, made.first, "--evidence", "--all", "-o", "-", *BY))])
    assert "actor.id" in json.loads(whole)["entries"][0]["disclosures"]


def test_a_halted_log_is_read_and_goes_on_with_the_right_database(tlog: Command, tmp_path: Path) -> None:
    with town(tmp_path) as place:
        folder, policy = place.log_folder, str(place.log_folder / "policy.txt")
        index = place.append(lines(20), "?wait=witnessed")[7]["index"]
        copy_database(place, tmp_path / "yesterday.db")
        place.append(lines(30), "?wait=witnessed")
        place.log.stop()
        copy_database(place, tmp_path / "today.db")
        put_back(place, tmp_path / "yesterday.db")
        place.restart_log()
        require_halted(place.log, place)
        status, answer = place.get(f"/v1/entries/{index}", place.auditor)
        assert (status, b"not-logged" in answer) == (503, True)
        assert "stop it first" in tlog("read", folder, index, *BY, code=1).err
        place.log.stop()
        assert tlog("read", folder, index, *BY, "--json").json["entry"]["subjects"][0]["id"] == "p-4711"
        assert len(tlog("read", folder, "--subject", "p-4711", "--all", *BY, "--json").json["entries"]) == 20
        tlog("read", folder, index, "--evidence", "--all", "-o", tmp_path / "case.json", *BY)
        verified = run_json([*TLOG, "verify", str(tmp_path / "case.json"), "--policy", policy, "--json"])
        assert verified["ok"]
        assert verified["entries"][0]["index"] == index
        place.restart_log()
        require_halted(place.log, place)
        assert len(list((folder / "notes").iterdir())) == 3, "a log that is halted still logs nothing"
        place.log.stop()
        put_back(place, tmp_path / "today.db")
        place.restart_log()
        status, answer = place.get(f"/v1/access?index={index}", place.auditor)
        accesses = json.loads(answer)["accesses"]
        assert [access["operation"] for access in accesses] == ["caseFile", "searchEntries", "readEntry"]
        assert list((folder / "notes").iterdir()) == []


def test_without_the_key_encryption_key_nothing_is_read(tlog: Command, made: Made) -> None:
    kek = made.folder / "keys" / "kek.key"
    kek.write_bytes(os.urandom(len(kek.read_bytes())))
    wrong = tlog("read", made.folder, made.first, *BY, code=1)
    kek.unlink()
    missing = tlog("read", made.folder, made.first, *BY, code=1)
    assert (wrong.out, missing.out) == ("", "")
    assert "under a key-encryption key that is not here" in wrong.err
    assert "kek.key cannot be read" in missing.err
    assert made.notes == []


def test_what_is_not_there_is_said_and_noted(tlog: Command, made: Made, tmp_path: Path) -> None:
    assert "no entry has index 999" in tlog("read", made.folder, 999, *BY, code=1).err
    several = tlog("read", made.folder, made.first, 999, *BY, code=1)
    assert several.out == "", "of several all are shown, or none"
    unknown = "01a2165f-27a3-74ab-9a50-0d45f6a71c59"
    assert "no entry has this id" in tlog("read", made.folder, unknown, *BY, "--json", code=1).error["error"]
    assert len(made.notes) == 3
    foreign = tlog("read", made.folder, "--subject", ANNA, "--cursor", "A" * 22, *BY, code=1)
    assert "--cursor" in foreign.err
    assert "--action" in tlog("read", made.folder, "--action", "NO!", *BY, code=1).err
    assert "tlog init" in tlog("read", tmp_path / "nowhere", 1, *BY, code=1).err


def test_a_folder_that_others_may_read_is_refused(tlog: Command, made: Made) -> None:
    made.folder.chmod(0o755)
    assert "chmod 700" in tlog("read", made.folder, made.first, *BY, code=1).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("1",),
        ("1", "--purpose", "why"),
        ("1", "--authorised-by", "Dana"),
        ("x", *BY),
        ("1", "--source", "clinic", *BY),
        ("1", "--limit", "3", *BY),
        ("1", "--all", *BY),
        ("1", "-o", "case.json", *BY),
        ("--evidence", *BY),
        ("--source", "clinic", "--evidence", *BY),
        ("--disclose", "actor", *BY),
        ("1", "--evidence", "--disclose", "no-such", *BY),
        ("1", "--evidence", "-o", "-", "--json", *BY),
        ("--json", "--csv", *BY),
        ("--all", "--limit", "3", *BY),
        ("--occurred-from", "yesterday", *BY),
        ("1", *BY[:2], "--authorised-by", "D" * 1025),
        ("1", "--purpose", "p" * 1025, *BY[2:]),
        ("1", "--purpose", "", *BY[2:]),
        ("1", "--purpose", "two\nlines", *BY[2:]),
    ],
)
def test_wrong_usage_is_2_and_reads_nothing(tlog: Command, made: Made, arguments: tuple[str, ...]) -> None:
    assert tlog("read", made.folder, *arguments, code=2).out == ""
    assert made.notes == []


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_cannot_be_printed_is_an_error_without_a_traceback(made: Made, form: tuple[str, ...]) -> None:
    command = [*TLOG, "read", str(made.folder), str(made.first), *BY, *form]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in ended.stderr


@pytest.mark.postgres
def test_databases_on_postgresql_are_read_as_well(tlog: Command, tmp_path: Path, postgres_socket: Path) -> None:
    from tests.postgres import new_database  # noqa: PLC0415 - its binaries may be missing

    urls = ["--database-url", new_database(postgres_socket), "--keyring-url", new_database(postgres_socket)]
    run([*TLOG, "init", str(tmp_path / "log"), "--origin", "example.com/log", *urls])
    made = fill(tmp_path)
    assert tlog("read", made.folder, made.first + 1, *BY, "--json").json == made.said["get"]
    assert tlog("read", made.folder, "--subject", "bert-8", *BY, "--json").json == made.said["search"]
    with serving(made.folder) as program:
        found = run_json(ask(program, made.base, "jane", "who-looked", made.first + 1, "--json"))
    assert [access["action"] for access in found["accesses"]][:2] == ["tlog.read.offline", "tlog.read.offline"]
