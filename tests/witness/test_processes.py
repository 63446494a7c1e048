"""A witness as a process: killed at random, robbed of its disk, given another's database."""

from __future__ import annotations

import itertools
import json
import random
import resource
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.processes import WITNESS, Program, run, running, spawn
from tests.witness.conftest import verify_cosigned
from tests.witness.log_simulator import LogSimulator, body
from tlog.formats.cosignature import cosignature_timestamp
from tlog.formats.note import Note, parse_signature_lines
from tlog.formats.vkey import SignatureType
from witness.directory import LOCK_FILE, load_cosigner

pytestmark = pytest.mark.processes

KILLS = 20
SIZES = 400


def make_witness(directory: Path, *logs: LogSimulator) -> Path:
    run([*WITNESS, "init", str(directory), "--name", "witness.example/w1"])
    for log in logs:
        run([*WITNESS, "add-log", str(directory), log.ed25519.vkey.encode(), "--vkey", log.ml_dsa_44.vkey.encode()])
    return directory


def serve(directory: Path, *options: str) -> list[str]:
    return [*WITNESS, "serve", str(directory), "--port", "0", "--json", *options]


def post(url: str, request: bytes, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    asked = urllib.request.Request(f"{url}/add-checkpoint", data=request, method="POST")  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(asked, timeout=20, context=context) as response:  # noqa: S310
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class PreparedLog:
    """A log and a fork of it, with every root, so that requests are cheap to make under load."""

    def __init__(self, origin: str) -> None:
        self.main = LogSimulator.make(origin, SIZES)
        self.trees = [self.main, self.main.branch(0)]

    def request(self, tree: LogSimulator, old: int, new: int) -> bytes:
        text = tree.text(new)
        return body(old, tree.proof(old, new), Note(text, tree.sign(text, "ed25519")).encode())


class Cosigned:
    """Every cosigned answer that ever reached a client: (time of the answer's arrival, size, text, lines)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answers: list[tuple[str, int, bytes]] = []

    def add(self, text: str, size: int, lines: bytes) -> None:
        with self.lock:
            self.answers.append((text, size, lines))


def hammer(url: str, log: PreparedLog, seed: int, cosigned: Cosigned, stop: threading.Event) -> None:
    """Show the witness both trees, growing, standing still and shrinking, until it dies or is told to stop."""
    chance = random.Random(seed)
    old = 0
    while not stop.is_set():
        tree = chance.choice(log.trees)
        new = min(SIZES, max(0, old + chance.choice([-1, 0, 1, 1, 2, 5])))
        old = min(old, new)
        try:
            status, answer = post(url, log.request(tree, old, new))
        except (OSError, HTTPException):
            return  # killed; whether this request was cosigned, nobody knows
        if status == 200:
            cosigned.add(tree.text(new), new, answer)
            old = new
        elif status == 409:
            old = int(answer)
        else:
            assert status == 422, (status, answer)


def known_size(url: str, log: PreparedLog) -> int:
    """The size that the witness tells a client who believes it to be 1."""
    status, answer = post(url, log.request(log.trees[0], 1, 1))
    assert status in (200, 409, 422)
    return int(answer) if status == 409 else 1


def one_round(program: Program, log: PreparedLog, cosigned: Cosigned, seed: int) -> None:
    stop = threading.Event()
    threads = [
        threading.Thread(target=hammer, args=(program.url, log, seed * 100 + i, cosigned, stop)) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    time.sleep(random.Random(seed).uniform(0.02, 0.5))
    program.kill()
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.timeout(600)
def test_killed_under_load_it_never_signs_a_smaller_or_other_tree(tmp_path: Path) -> None:
    log, cosigned = PreparedLog("log.example/a"), Cosigned()
    directory = make_witness(tmp_path / "w", log.main)
    for number in range(KILLS):
        largest = max((size for _, size, _ in cosigned.answers), default=0)
        with running(serve(directory)) as program:
            assert known_size(program.url, log) >= largest  # no answered state was lost
            one_round(program, log, cosigned, number)
    assert_one_history(directory, log, cosigned)


def assert_one_history(directory: Path, log: PreparedLog, cosigned: Cosigned) -> None:
    """All answers verify, lie on one of the two trees, and their sizes and times grow together."""
    cosigner = load_cosigner(directory)
    assert len({size for _, size, _ in cosigned.answers}) > KILLS / 2  # there was a load
    timed = []
    for text, size, lines in cosigned.answers:
        signatures = parse_signature_lines(lines)
        verify_cosigned(cosigner, text, signatures)
        timed.append((cosignature_timestamp(signatures[0].value, SignatureType.COSIGNATURE_ED25519), size))
    texts = {text for text, size, _ in cosigned.answers if size > 0}
    trees = [{tree.text(size) for size in range(1, SIZES + 1)} for tree in log.trees]
    assert any(texts <= tree for tree in trees), "two trees were cosigned"
    # A cosignature says: at this time this is the largest tree I know. So a later second never has a smaller size.
    newest: dict[int, list[int]] = {}
    for timestamp, size in timed:
        newest.setdefault(timestamp, []).append(size)
    seconds = sorted(newest)
    for earlier, later in itertools.pairwise(seconds):
        assert max(newest[earlier]) <= min(newest[later])


def test_disk_full_stops_it_before_a_signature_leaves(tmp_path: Path) -> None:
    """The disk takes no more bytes in the middle of the work: the witness ends, and knows its state afterwards."""
    log = LogSimulator.make(size=40)
    directory = make_witness(tmp_path / "w", log)
    with running(serve(directory)) as program:
        assert post(program.url, log.request(0, 5))[0] == 200
        limit = (directory / "witness.sqlite3-wal").stat().st_size
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (limit, limit))
        status, said = post(program.url, log.request(5, 9))
        assert (status, b"\xe2\x80\x94" in said) == (503, False)
        assert program.process.wait(timeout=20) == 1
        assert "a write failed" in program.stderr()
    with running(serve(directory)) as program:
        assert post(program.url, log.request(0, 9)) == (409, b"5\n")
        assert post(program.url, log.request(5, 9))[0] == 200


def test_database_of_another_witness(tmp_path: Path) -> None:
    ours, theirs = make_witness(tmp_path / "ours"), make_witness(tmp_path / "theirs")
    shutil.copy(theirs / "witness.sqlite3", ours / "witness.sqlite3")
    program = spawn(serve(ours))
    try:
        assert program.process.wait(timeout=60) == 1
        assert "other keys" in program.stderr()
    finally:
        program.close()


def second(directory: Path) -> list[str]:
    """The command of a second witness beside the first, whose lock it cannot see."""
    refused = spawn(serve(directory))
    try:
        assert refused.process.wait(timeout=60) == 1
        assert "is in use" in refused.stderr()
    finally:
        refused.close()
    (directory / LOCK_FILE).unlink()
    return serve(directory)


def test_two_processes_on_one_folder_are_one_witness(tmp_path: Path) -> None:
    """A second `serve` is refused. With the lock file deleted it starts, and must not fork: the database decides."""
    log = PreparedLog("log.example/a")
    directory = make_witness(tmp_path / "w", log.main)
    cosigned, stop = Cosigned(), threading.Event()
    with running(serve(directory)) as one, running(second(directory)) as two:
        threads = [
            threading.Thread(target=hammer, args=(program.url, log, seed, cosigned, stop))
            for seed, program in enumerate([one, two, one, two])
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(cosigned.answers) < 150 and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
    assert_one_history(directory, log, cosigned)


def test_logs_added_while_it_runs(tmp_path: Path) -> None:
    log = LogSimulator.make()
    directory = make_witness(tmp_path / "w")
    with running(serve(directory)) as program:
        assert post(program.url, log.request(0, 5))[0] == 404
        run([*WITNESS, "add-log", str(directory), log.ed25519.vkey.encode()])
        assert post(program.url, log.request(0, 5))[0] == 200
        assert program.stop() == 0
        [refused] = [json.loads(line) for line in program.stderr().splitlines()]
        assert (refused["event"], refused["origin"], refused["status"]) == ("refused", log.origin, 404)


def test_tls(tmp_path: Path) -> None:
    log = LogSimulator.make()
    directory = make_witness(tmp_path / "w", log)
    cert, key = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=str(cert))
    with running(serve(directory, "--tls-cert", str(cert), "--tls-key", str(key))) as program:
        assert program.url.startswith("https://")
        assert post(program.url.replace("127.0.0.1", "localhost"), log.request(0, 5), context)[0] == 200


def self_signed(directory: Path) -> tuple[Path, Path]:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    (directory / "cert.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return directory / "cert.pem", directory / "key.pem"
