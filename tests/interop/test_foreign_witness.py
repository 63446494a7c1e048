"""A witness that is not ours cosigns: first our formats alone, then a log whose quorum needs it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop.litewitness import LiteWitness, running_litewitness
from tests.interop.served_log import init_log, log_vkey, request, serving
from tests.processes import WITNESS, run, run_json, running
from tlog.formats.add_checkpoint import AddCheckpoint
from tlog.formats.checkpoint import Checkpoint, parse_checkpoint
from tlog.formats.cosignature import cosignature_timestamp, verifier_for
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note, parse_note, parse_signature_lines, verify_note
from tlog.formats.vkey import SignatureType, parse_vkey
from tlog.merkle.hashing import leaf_hash, node_hash

FOREIGN = "foreign.example/litewitness"
LEAVES = tuple(leaf_hash(bytes([n])) for n in range(2))

pytestmark = [pytest.mark.interop, pytest.mark.processes, pytest.mark.timeout(1800)]


def test_litewitness_accepts_our_formats() -> None:
    origin = "interop.example/formats"
    signer = Ed25519Signer(origin, Ed25519PrivateKey.generate())
    with running_litewitness(FOREIGN) as witness:
        witness.add_log(origin, signer.vkey.encode())
        before = int(time.time())
        one = Checkpoint(origin, 1, LEAVES[0])
        _assert_cosigned(witness, signer, one, AddCheckpoint(0, (), _signed(signer, one)), before)
        two = Checkpoint(origin, 2, node_hash(*LEAVES))
        _assert_cosigned(witness, signer, two, AddCheckpoint(1, (LEAVES[1],), _signed(signer, two)), before)
        assert witness.size_of(origin) == 2


def test_litewitness_refuses_what_we_would_refuse() -> None:
    origin = "interop.example/formats"
    signer = Ed25519Signer(origin, Ed25519PrivateKey.generate())
    stranger = Ed25519Signer(origin, Ed25519PrivateKey.generate())
    with running_litewitness(FOREIGN) as witness:
        witness.add_log(origin, signer.vkey.encode())
        one, two = Checkpoint(origin, 1, LEAVES[0]), Checkpoint(origin, 2, node_hash(*LEAVES))
        assert _post(witness, AddCheckpoint(0, (), _signed(stranger, one)))[0] == 403
        assert _post(witness, AddCheckpoint(0, (), _signed(signer, one)))[0] == 200
        assert _post(witness, AddCheckpoint(1, (LEAVES[0],), _signed(signer, two)))[0] == 422
        assert _post(witness, AddCheckpoint(0, (), _signed(signer, two))) == (409, b"1\n")


def test_litewitness_is_part_of_the_quorum(tmp_path: Path) -> None:
    """Two witnesses, one of them foreign, and a quorum of two: what is published has both cosignatures."""
    origin, ours = "interop.example/quorum", tmp_path / "witness"
    own = run_json([*WITNESS, "init", str(ours), "--name", "interop.example/own", "--json"])
    serve = [*WITNESS, "serve", str(ours), "--host", "127.0.0.1", "--port", "0", "--json"]
    with running_litewitness(FOREIGN) as foreign, running(serve) as witness:
        lines = [
            *("--witness", f"own={','.join(own['vkeys'])}@{witness.url}"),
            *("--witness", f"foreign={foreign.vkey}@{foreign.url}"),
        ]
        init_log(tmp_path / "log", origin, [*lines, "--quorum", "2", "--raw-leaves"])
        vkey = log_vkey(tmp_path / "log")
        foreign.add_log(origin, vkey)
        run([*WITNESS, "add-log", str(ours), vkey])
        with serving(tmp_path / "log") as log:
            # Sizes that fill a tile and go beyond it, so that later proofs span several levels.
            for size in (1, 3, 300):
                while int(log.post("/add", f"leaf {size}".encode(), "application/octet-stream")) + 1 < size:
                    pass
                _assert_witnessed(log.wait_published(size, seconds=60), foreign, size)
        assert foreign.size_of(origin) >= 300


def _assert_cosigned(
    witness: LiteWitness, signer: Ed25519Signer, checkpoint: Checkpoint, asked: AddCheckpoint, before: int
) -> None:
    status, answer = _post(witness, asked)
    assert status == 200, answer
    (line,) = parse_signature_lines(answer)
    key = parse_vkey(witness.vkey)
    verifier_for(key).verify(checkpoint.text(), line.value)
    assert before <= cosignature_timestamp(line.value, SignatureType.COSIGNATURE_ED25519) <= time.time()
    assert (line.name, line.key_id) == (FOREIGN, key.key_id)


def _assert_witnessed(data: bytes, foreign: LiteWitness, size: int) -> None:
    note = parse_note(data)
    assert parse_checkpoint(note.text).size >= size
    (cosignature,) = verify_note(note, [verifier_for(parse_vkey(foreign.vkey))])
    assert cosignature.name == FOREIGN


def _signed(signer: Ed25519Signer, checkpoint: Checkpoint) -> bytes:
    text = checkpoint.text()
    return Note(text, (signer.sign(text),)).encode()


def _post(witness: LiteWitness, asked: AddCheckpoint) -> tuple[int, bytes]:
    return request("POST", f"{witness.url}/add-checkpoint", asked.encode())
