"""What auditors are promised about proofs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.accept.promises import shows
from tests.processes import TLOG, environment, run
from tests.support import entry_document
from tests.town import Town, town
from tlog.client.verifier import OfflineVerifier
from tlog.errors import TlogError
from tlog.formats.note import parse_note
from tlog.formats.policy import Policy, parse_policy
from tlog.formats.tlog_proof import parse_tlog_proof

ENTRIES = 20


def proof_of(place: Town, index: int) -> bytes:
    """Fetch a proof that carries all three witnesses' cosignatures."""
    body = "\n".join(json.dumps(entry_document()) for _ in range(ENTRIES)).encode()
    place.append(body, "?wait=witnessed")
    for _ in range(200):
        status, proof = place.get(f"/v1/entries/{index}/proof")
        assert status == 200, proof
        names = {signature.name for signature in parse_note(parse_tlog_proof(proof).checkpoint).signatures}
        if len(names) == 4:
            return proof
    raise AssertionError(f"not all witnesses cosigned: {names}")


def offline() -> list[str]:
    """A prefix that runs a command in a network namespace without any interface up, where that is possible."""
    if os.geteuid() == 0 and shutil.which("unshare"):
        tried = subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True)
        return ["unshare", "-n"] if tried.returncode == 0 else []
    return []


def verify(proof: Path, policy: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `tlog verify` without a network."""
    command = [*offline(), *TLOG, "verify", str(proof), "--policy", str(policy), *more]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)


@shows("proof-verifies-offline")
def proof_verifies_offline(folder: Path) -> str:
    """Take proof, entry and policy away, stop everything, and verify with the network off."""
    with town(folder) as place:
        (folder / "p.tlog-proof").write_bytes(proof_of(place, 7))
        (folder / "entry.json").write_bytes(place.get("/v1/entries/7", place.auditor)[1])
        shutil.copy(place.log_folder / "policy.txt", folder / "policy.txt")
    done = verify(folder / "p.tlog-proof", folder / "policy.txt", "--entry", str(folder / "entry.json"), "--json")
    assert done.returncode == 0, done.stderr
    return f"exit 0 {'in an empty network namespace' if offline() else 'with every server stopped'}, entry matched"


@shows("changed-byte-is-refused")
def changed_byte_is_refused(folder: Path) -> str:
    """Flip each byte of a proof in turn; then some of them before the real command."""
    with town(folder) as place:
        proof = proof_of(place, 7)
        policy = place.policy
        shutil.copy(place.log_folder / "policy.txt", folder / "policy.txt")
    OfflineVerifier(policy).verify(proof)
    refused, ignored = 0, []
    for position in range(len(proof)):
        changed = proof[:position] + bytes([proof[position] ^ 1]) + proof[position + 1 :]
        try:
            OfflineVerifier(policy).verify(changed)
        except TlogError:
            refused += 1
        else:
            ignored.append(position)
    require_only_names(proof, ignored)
    for position in (30, 80, proof.index(b"\n\n") + 30, proof.index(b"\xe2\x80\x94") + 60, len(proof) - 40):
        (folder / "p").write_bytes(proof[:position] + bytes([proof[position] ^ 1]) + proof[position + 1 :])
        done = verify(folder / "p", folder / "policy.txt")
        assert done.returncode == 1, f"byte {position}: {done.stdout}"
        assert done.stderr.strip(), "the refusal says nothing"
    return f"{refused} of {len(proof)} bytes; the other {len(ignored)} only un-name one of three witnesses"


def require_only_names(proof: bytes, ignored: list[int]) -> None:
    """A changed key name or key ID makes a signature unknown, which signed-note has ignored; nothing else may pass."""
    for position in ignored:
        start = proof.rfind(b"\n", 0, position) + 1
        line = proof[start : proof.index(b"\n", position)]
        assert line.startswith(b"\xe2\x80\x94 "), f"byte {position} is in no signature line"
        name_and_id = line.rindex(b" ") + 1 + 6  # six base64 characters hold the four bytes of the key ID
        assert position - start < name_and_id, f"byte {position} is of a signature and was passed over"


@shows("too-few-witnesses-is-refused")
def too_few_witnesses_is_refused(folder: Path) -> str:
    """Take witnesses away one by one, and try another log's key."""
    with town(folder / "a") as place:
        proof = parse_tlog_proof(proof_of(place, 7))
        policy = place.policy
    note = parse_note(proof.checkpoint)
    for kept, accepted in ((3, True), (2, True), (1, False), (0, False)):
        names = {"example.com/town", *(f"w{number}.example" for number in range(kept))}
        left = [signature for signature in note.signatures if signature.name in names]
        text = "".join(signature.line() for signature in left)
        short = type(proof)(proof.index, proof.hashes, (note.text + "\n" + text).encode(), proof.extra)
        outcome = verdict(policy, short.encode())
        assert outcome == ("verified" if accepted else "witness quorum"), (kept, outcome)
    run([*TLOG, "init", str(folder / "other"), "--origin", "example.com/town"])
    other = (folder / "other/policy.txt").read_bytes()
    assert verdict(parse_policy(other), proof.encode()) == "log signature"
    run([*TLOG, "init", str(folder / "elsewhere"), "--origin", "example.com/elsewhere"])
    assert verdict(parse_policy((folder / "elsewhere/policy.txt").read_bytes()), proof.encode()) == "origin"
    return "3 and 2 witnesses pass, 1 and 0 are refused at 'witness quorum', other logs at 'log signature' or 'origin'"


def verdict(policy: Policy, proof: bytes) -> str:
    """`verified`, or the name of the check that failed."""
    try:
        OfflineVerifier(policy).verify(proof)
    except TlogError as error:
        return str(getattr(error, "check", "format"))
    return "verified"


@shows("evidence-verifies-offline")
def evidence_verifies_offline(folder: Path) -> str:
    """Take away one file that shows some fields, stop everything, and verify it; then changed in seven ways."""
    case, policy, token = folder / "case.json", folder / "policy.txt", folder / "token"
    with town(folder) as place:
        for _ in range(3):  # so that a witnessed checkpoint is on either side of the entry
            place.append(json.dumps(entry_document()).encode(), "?wait=witnessed")
        token.write_text(place.auditor)
        token.chmod(0o600)
        fields = ["--all", "--redact", "actor.name", "--redact", "details"]
        run([*TLOG, "evidence", "1", *fields, "-o", str(case), "--url", place.log.url, "--token-file", str(token)])
        shutil.copy(place.log_folder / "policy.txt", policy)
    said = json.loads(verified(case, policy).stdout)
    [entry] = said["entries"]
    assert entry["fields"]["actor.id"] == "e-1007"
    assert "Dr. Ada Example" not in case.read_text() + json.dumps(said)
    assert entry["logged_after"] <= entry["logged_before"]
    refused = [check_of(case, policy, changed) for changed in changed_cases(json.loads(case.read_bytes()))]
    when = f"{entry['logged_after']} to {entry['logged_before']}"
    return f"logged {when}; {len(refused)} changes refused: {', '.join(refused)}"


def verified(case: Path, policy: Path) -> subprocess.CompletedProcess[str]:
    done = verify(case, policy, "--json")
    assert done.returncode == 0, done.stderr
    return done


def changed_cases(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the evidence with one thing changed each: a field, a digest, a hash, the place, the time, a signature."""
    entry, [shown] = document["entries"][0], [document["entries"][0]["disclosures"]]
    changes: list[dict[str, Any]] = [
        {"disclosures": shown | {"purpose": shown["action"]}},
        {"disclosures": {name: text for name, text in shown.items() if name != "outcome"}},
        {"digests": entry["digests"][1:]},
        {"inclusion": ["A" * 43 + "="]},
        {"index": entry["index"] + 1},
        {"after": entry["size"]},
    ]
    for change in changes:
        yield document | {"entries": [entry | change]}
    unsigned = [re.sub("\u2014 w[01]", "\u2014 nobody", note) for note in document["checkpoints"]]
    yield document | {"checkpoints": unsigned}


def check_of(case: Path, policy: Path, changed: dict[str, Any]) -> str:
    """Return the check that refuses a changed case."""
    case.write_text(json.dumps(changed))
    done = verify(case, policy, "--json")
    assert done.returncode == 1, done.stdout
    return str(json.loads(done.stdout)["check"])
