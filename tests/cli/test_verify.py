"""`tlog verify`: exit codes, the named check, and that neither network nor database is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.client import material, test_entry_file
from tests.client.material import LEAVES, OTHER_LOG
from tests.processes import ROOT, environment
from tlog.formats.encoding import b64encode
from tlog.formats.policy import Policy, encode_policy

# Runs the command line under an audit hook that ends the process at the first socket, database or child process.
GUARDED = """
import os, sys
def hook(event, arguments):
    if event.split('.')[0] in {'socket', 'sqlite3', 'subprocess'} or event in {'os.system', 'os.fork'}:
        os.write(2, event.encode())
        os._exit(99)
sys.addaudithook(hook)
from tlog.cli.main import main
main()
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return written(tmp_path / "policy.txt", encode_policy(material.policy()))


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    return written(tmp_path / "5.tlog-proof", material.proof().encode())


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_it_says_what_passed(tlog: Command, proof: Path, policy: Path) -> None:
    text = tlog("verify", proof, "--policy", policy).out
    for part in (
        "ok  origin",
        "log.example/audit",
        "ok  log signature",
        "ok  witness quorum",
        "quorum met: w1, w2 (2 of 3, 2 needed); cosigned by ",
        "w1 at 2026-02-02T02:40:00Z",
        "w2 at 2026-02-02T02:40:01Z",
        "ok  inclusion       index 5 of 11 leaves",
        "verified: entry 5 of log.example/audit, logged at or before 2026-02-02T02:40:01Z",
    ):
        assert part in text


def test_json_has_the_same(tlog: Command, proof: Path, policy: Path) -> None:
    found = tlog("verify", proof, "--policy", policy, "--json").json
    assert found["ok"] is True
    assert (found["index"], found["size"], found["leaf"]) == (5, 11, b64encode(LEAVES[5]))
    assert found["witnesses"] == {"w1": "2026-02-02T02:40:00Z", "w2": "2026-02-02T02:40:01Z"}
    assert found["quorum"] == {"name": "q", "needed": 2, "met": ["w1", "w2"], "members": ["w1", "w2", "w3"]}
    assert [check["name"] for check in found["checks"]] == ["origin", "log signature", "witness quorum", "inclusion"]


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (b"index 5", b"index 6", "inclusion"),
        (b"index 5", b"index 05", "format"),
        (b"\n11\n", b"\n12\n", "signature"),
        (b"extra ", b"ekstra ", "format"),
        (b64encode(LEAVES[5]).encode(), b64encode(LEAVES[4]).encode(), "inclusion"),
        (b"log.example/audit\n11", b"log.example/other\n11", "origin"),
        ("— w2.example".encode(), "— w9.example".encode(), "witness quorum"),
        (b"@v1", b"@v2", "format"),
    ],
)
def test_a_refusal_names_the_check(  # noqa: PLR0917 - three fixtures and three parameters
    tlog: Command, tmp_path: Path, policy: Path, old: bytes, new: bytes, check: str
) -> None:
    data = material.proof().encode()
    assert data.count(old) == 1
    broken = written(tmp_path / "broken", data.replace(old, new))
    refused = tlog("verify", broken, "--policy", policy, code=1)
    assert refused.out == ""
    assert refused.err.startswith(f"tlog: refused, {check}: ")
    assert refused.err.count("\n") == 1
    found = tlog("verify", broken, "--policy", policy, "--json", code=1)
    assert (found.json["ok"], found.json["check"]) == (False, check)


def test_too_few_witnesses_and_another_log_are_refused(tlog: Command, tmp_path: Path, policy: Path) -> None:
    few = written(tmp_path / "few", material.proof(witnesses=(2,)).encode())
    refused = tlog("verify", few, "--policy", policy, code=1)
    assert "refused, witness quorum: quorum q: 1 of the needed 2 cosigned; missing: w1, w2" in refused.err
    foreign = written(tmp_path / "foreign", material.proof(log=OTHER_LOG).encode())
    assert "refused, log signature: " in tlog("verify", foreign, "--policy", policy, code=1).err


def test_the_leaf_may_be_given_in_hex_or_base64(tlog: Command, proof: Path, policy: Path) -> None:
    for text in (LEAVES[5].hex(), LEAVES[5].hex().upper(), b64encode(LEAVES[5])):
        tlog("verify", proof, "--policy", policy, "--leaf", text)
    assert "refused, leaf: " in tlog("verify", proof, "--policy", policy, "--leaf", LEAVES[4].hex(), code=1).err
    tlog("verify", proof, "--policy", policy, "--leaf", "zz", code=2)


def test_the_entry_is_checked_against_the_leaf(tlog: Command, tmp_path: Path, policy: Path) -> None:
    leaves = [*LEAVES[:5], test_entry_file.SEALED.leaf, *LEAVES[6:]]
    proof = written(tmp_path / "proof", material.proof(5, leaves).encode())
    entry = written(tmp_path / "entry.json", test_entry_file.encoded())
    assert "ok  disclosures" in tlog("verify", proof, "--policy", policy, "--entry", entry).out
    assert "outcome" in tlog("verify", proof, "--policy", policy, "--entry", entry, "--json").json["fields"]
    changed = json.loads(entry.read_bytes())
    changed["entry"]["outcome"] = "denied"
    entry.write_text(json.dumps(changed))
    refused = tlog("verify", proof, "--policy", policy, "--entry", entry, code=1)
    assert "refused, leaf: the readable entry says otherwise than its disclosures in outcome" in refused.err


def test_an_entry_with_erased_parts_says_which_when_and_by_which_entry(
    tlog: Command, tmp_path: Path, policy: Path
) -> None:
    leaves = [*LEAVES[:5], test_entry_file.SEALED.leaf, *LEAVES[6:]]
    proof = written(tmp_path / "proof", material.proof(5, leaves).encode())
    command = ("verify", proof, "--policy", policy, "--entry", tmp_path / "entry.json")
    written(tmp_path / "entry.json", test_entry_file.erased_document())
    out = tlog(*command).out
    count = len(test_entry_file.ERASED.erased_digests)
    said = f"erased at 2026-03-02T09:30:00.000000Z by entry 9 of the log (act {test_entry_file.ACT})"
    assert f" fields, {count} erased: the disclosures hash to the leaf\n" in out
    assert f"    the log says    subjects[1]: {said}\n" in out
    assert f"    the log says    targets, details, correlation: {said}\n" in out
    found = tlog(*command, "--json").json
    assert found["erased_fields"] == count
    assert [(part["part"], part["at"], part["index"]) for part in found["erasures"]] == [
        ("subjects[1]", "2026-03-02T09:30:00.000000Z", 9),
        ("shared", "2026-03-02T09:30:00.000000Z", 9),
    ]
    written(tmp_path / "entry.json", test_entry_file.erased_document(erasures=[]))
    assert "which fields were erased, when and by which entry is not said" in tlog(*command).out
    false = [{"part": "actor", "act": test_entry_file.ACT}]
    written(tmp_path / "entry.json", test_entry_file.erased_document(erasures=false))
    assert "refused, leaf: the entry file names actor as erased" in tlog(*command, code=1).err
    written(tmp_path / "entry.json", test_entry_file.encoded())
    assert "the log says" not in tlog(*command).out
    assert tlog(*command, "--json").json["erasures"] == []


def test_a_policy_without_quorum_has_none_in_json(tlog: Command, tmp_path: Path, proof: Path) -> None:
    none = written(tmp_path / "none.txt", encode_policy(Policy(material.policy().logs, ())))
    assert tlog("verify", proof, "--policy", none, "--json").json["quorum"] is None
    assert "ok  witness quorum  the policy wants none\n" in tlog("verify", proof, "--policy", none).out


def test_a_checkpoint_verifies_too(tlog: Command, tmp_path: Path, policy: Path) -> None:
    note = written(tmp_path / "checkpoint", material.checkpoint().encode())
    assert "verified: this checkpoint of log.example/audit" in tlog("verify", note, "--policy", policy).out


def test_what_cannot_be_read_is_said(tlog: Command, tmp_path: Path, proof: Path, policy: Path) -> None:
    assert "cannot read" in tlog("verify", tmp_path / "no", "--policy", policy, code=1).err
    assert "cannot read" in tlog("verify", proof, "--policy", tmp_path, code=1).err
    assert "refused, policy: " in tlog("verify", proof, "--policy", proof, code=1).err
    large = written(tmp_path / "large", bytes(5 << 20))
    assert "more than" in tlog("verify", large, "--policy", policy, code=1).err
    tlog("verify", proof, code=2)


def test_what_a_file_says_cannot_drive_the_terminal(tlog: Command, tmp_path: Path, policy: Path) -> None:
    note = material.checkpoint().encode().replace(b"log.example/audit\n11", "\u009b31mred\n11".encode())
    refused = tlog("verify", written(tmp_path / "note", note), "--policy", policy, code=1)
    assert "\x9b" not in refused.err
    assert "red" in refused.err


@pytest.mark.processes
def test_no_network_and_no_database(proof: Path, policy: Path) -> None:
    def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", GUARDED, *arguments],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = verify("verify", str(proof), "--policy", str(policy), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ok"] is True
    # The guard itself works: a command that needs the network dies by it.
    assert verify("prove", "1", "--url", "http://127.0.0.1:1", "--retry-for", "0").returncode == 99


def test_verifying_imports_neither_database_nor_server() -> None:
    code = "import sys, tlog.cli.verify; print([m for m in ('sqlalchemy', 'aiohttp', 'obstore') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
