"""A log and three witnesses as real processes, used only through the command line."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import structlog

from tests.http.certificate import self_signed
from tests.processes import ROOT, TLOG, WITNESS, Program, environment, free_port, running, spawn, start
from tests.support import entry_document
from tlog.cli.data_folder import open_log_database
from tlog.cli.main import app
from tlog.cli.output import run as run_command
from tlog.storage.log_store import LogStore
from witness.cli import app as witness_app

pytestmark = pytest.mark.processes
ORIGIN = "example.com/log"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A folder of a log with three witnesses and a quorum of two."""

    folder: Path
    token: str
    witnesses: tuple[tuple[Path, int], ...]

    @property
    def policy(self) -> str:
        return str(self.folder / "policy.txt")


def tlog(*arguments: object, code: int = 0, stdin: bytes = b"", token: str = "") -> tuple[str, str]:
    """Run `tlog …` in this process, against the others, and return stdout and stderr."""
    return command(lambda argv: run_command(lambda: app(argv)), arguments, code, stdin, token)


def witness(*arguments: object) -> str:
    """Run `tlog-witness …` in this process and return stdout."""
    return command(witness_app, arguments)[0]


def command(
    main: Callable[[list[str]], object], arguments: Sequence[object], code: int = 0, stdin: bytes = b"", token: str = ""
) -> tuple[str, str]:
    streams = [TextIOWrapper(BytesIO(data), "utf-8") for data in (stdin, b"", b"")]
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setenv("TLOG_TOKEN", token)
        patch.delenv("TLOG_URL", raising=False)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    structlog.reset_defaults()
    out, err = (_written(stream) for stream in streams[1:])
    assert (ended.value.code or 0) == code, f"{arguments} ended with {ended.value.code}\n{out}\n{err}"
    return out, err


def _written(stream: TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, BytesIO)
    return stream.buffer.getvalue().decode()


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Witnessed:
    base = tmp_path_factory.mktemp("witnessed")
    options, witnesses = [], []
    for name in ("w1", "w2", "w3"):
        vkeys = json.loads(witness("init", base / name, "--name", f"{name}.example", "--json"))["vkeys"]
        witnesses.append((base / name, free_port()))
        options += ["--witness", f"{name}={','.join(vkeys)}@http://127.0.0.1:{witnesses[-1][1]}"]
    made = json.loads(tlog("init", base / "log", "--origin", ORIGIN, *options, "--quorum", "2", "--json")[0])
    for folder, _ in witnesses:
        witness("add-log", folder, made["vkeys"][0], "--vkey", made["vkeys"][1])
    token = new_token(base / "log")
    return Witnessed(base / "log", token, tuple(witnesses))


@pytest.fixture
def served(witnessed: Witnessed) -> Iterator[Program]:
    with witnessing(witnessed, 3), serving(witnessed.folder) as program:
        yield program


@contextmanager
def witnessing(witnessed: Witnessed, count: int) -> Iterator[None]:
    """Run the first `count` witnesses."""
    programs = [
        spawn([*WITNESS, "serve", str(folder), "--port", str(port), "--json"])
        for folder, port in witnessed.witnesses[:count]
    ]
    with ExitStack() as stack:
        for program in programs:
            stack.callback(program.close)
        for program in programs:
            program.wait_ready(60)
        yield


def serving(folder: Path, *options: str, port: int = 0) -> AbstractContextManager[Program]:
    return running([*TLOG, "serve", str(folder), "--port", str(port), "--json", *options])


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, str]:
    """The folder of a log without witnesses, and a token."""
    folder = tmp_path / "plain"
    tlog("init", folder, "--origin", ORIGIN)
    return folder, new_token(folder)


def new_token(folder: Path, source: str = "clinic") -> str:
    return tlog("token", "add", folder, "--source", source)[0].strip()


def ndjson(path: Path, count: int, **fields: object) -> Path:
    path.write_text("".join(json.dumps(entry_document(**fields)) + "\n" for _ in range(count)))
    return path


def tree_size(folder: Path) -> int:
    """How many entries there are, the log's own among them: the first are those of the tokens issued before it ran."""
    with open_log_database(folder) as database:
        return LogStore(database).state().size


def test_from_an_entry_to_evidence_and_back(witnessed: Witnessed, served: Program, tmp_path: Path) -> None:
    at = ["--url", served.url]
    first = tree_size(witnessed.folder)
    _, err = tlog("append", ndjson(tmp_path / "e.ndjson", 300), *at, "--wait", "witnessed", token=witnessed.token)
    assert err == ""  # no bar where nobody sees it move
    tlog("append", ndjson(tmp_path / "f.ndjson", 50), *at, "--wait", "witnessed", token=witnessed.token)

    entry, proof, index = tmp_path / "17.json", tmp_path / "17.tlog-proof", first + 17
    entry.write_text(tlog("get", index, *at, "--json", token=witnessed.token)[0])
    assert "patient.record.read" in tlog("get", index, *at, token=witnessed.token)[0]
    tlog("prove", index, *at, "-o", proof)
    verified = json.loads(tlog("verify", proof, "--policy", witnessed.policy, "--entry", entry, "--json")[0])
    assert (verified["ok"], verified["index"], verified["origin"]) == (True, index, ORIGIN)
    assert len(verified["witnesses"]) >= 4
    assert tlog("prove", index, *at, "-o", "-")[0].startswith("c2sp.org/tlog-proof@v1\n")

    older, newer = first + 300, first + 350
    checked = json.loads(tlog("consistency", older, newer, *at, "--policy", witnessed.policy, "--json")[0])
    assert (checked["ok"], checked["witnessed"]) == (True, True)
    assert (
        f"no witnessed checkpoint of size {older - 1}"
        in tlog("consistency", older - 1, newer, *at, "--policy", witnessed.policy, code=1)[1]
    )
    extends = f"the tree of {newer} extends the tree of {older - 1}"
    assert extends in tlog("consistency", older - 1, newer, *at)[0]
    assert "beyond" in tlog("consistency", 1, newer + 1000, *at, code=1)[1]
    tlog("consistency", 2, 1, *at, code=2)

    assert "is served by another process" in tlog("fsck", witnessed.folder, code=1)[1]
    assert served.stop() == 0
    report = json.loads(tlog("fsck", witnessed.folder, "--json")[0])
    size = newer + 2  # the entry was read twice
    assert (report["ok"], report["size"], report["entries_opened"]) == (True, size, size)


def test_a_log_whose_database_is_yesterdays_serves_what_is_public_and_says_why(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    database, copy = witnessed.folder / "log.db", tmp_path / "log.db"
    with witnessing(witnessed, 3):
        with serving(witnessed.folder) as program:
            at = ["--url", program.url]
            tlog("append", ndjson(tmp_path / "a", 10), *at, "--wait", "witnessed", token=witnessed.token)
            before = tree_size(witnessed.folder)
            assert program.stop() == 0
        shutil.copy(database, copy)
        with serving(witnessed.folder) as program:
            at = ["--url", program.url]
            tlog("append", ndjson(tmp_path / "b", 10), *at, "--wait", "witnessed", token=witnessed.token)
            assert program.stop() == 0
        newest = database.read_bytes()
        shutil.copy(copy, database)
        try:
            with serving(witnessed.folder) as program:
                at = ["--url", program.url]
                assert "rolled back" in program.stderr()
                assert "rolled back" in program.ready["halted"]
                with pytest.raises(HTTPError) as caught:
                    urlopen(f"{program.url}/readyz")  # noqa: S310 - loopback
                with caught.value as answer:
                    assert answer.code == 503
                    assert "rolled back" in answer.read().decode()
                start_time = time.monotonic()
                _, err = tlog("append", ndjson(tmp_path / "c", 1), *at, token=witnessed.token, code=1)
                assert "rolled back" in err
                assert "0 entries are stored" in err
                assert "trying again" not in err
                assert time.monotonic() - start_time < 30
                unread = tlog("get", before - 1, *at, "--retry-for", "0", token=witnessed.token, code=1)[1]
                assert "what can't be logged is not served" in unread
                assert "rolled back" in unread
                tlog("prove", before - 1, *at, "-o", tmp_path / "proof")
                tlog("verify", tmp_path / "proof", "--policy", witnessed.policy)
                assert program.stop() == 0
        finally:
            database.write_bytes(newest)


def test_with_one_witness_of_two_entries_are_stored_but_not_witnessed(witnessed: Witnessed, tmp_path: Path) -> None:
    with witnessing(witnessed, 1), serving(witnessed.folder) as program:
        at = ["--url", program.url]
        size = tree_size(witnessed.folder)
        file = ndjson(tmp_path / "e", 3)
        _, err = tlog("append", file, *at, "--wait", "witnessed", "--wait-for", "1", token=witnessed.token, code=1)
        assert f"3 entries are stored (indices {size} to {size + 2}), but not witnessed after 1 second: " in err
        assert tree_size(witnessed.folder) == size + 3
        _, err = tlog("prove", size, *at, "--wait-for", "0", "-o", tmp_path / "p", code=1)
        assert "no witnessed checkpoint covers it yet" in err
        assert not (tmp_path / "p").exists()


def test_an_append_outlives_a_killed_log(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, token = plain
    port = free_port()
    file = ndjson(tmp_path / "e", 4000)
    log = start([*TLOG, "serve", str(folder), "--port", str(port), "--json"])
    first = tree_size(folder)
    sender = spawn(
        [*TLOG, "append", str(file), "--url", log.url, "--batch", "40", "--json", "--retry-for", "100"],
        env={"TLOG_TOKEN": token},
    )
    try:
        wait_until(lambda: tree_size(folder) > 400)
        log.kill()
        size = tree_size(folder)
        log.close()
        log = start([*TLOG, "serve", str(folder), "--port", str(port), "--json"])
        assert sender.process.wait(timeout=100) == 0, sender.stderr()
        wait_until(lambda: len(sender.lines) == 1)
        said = json.loads(sender.lines[0])
        assert 400 < size < 4000
        assert (said["stored"], said["first_index"], said["last_index"]) == (4000, first, first + 3999)
        assert "trying again" in sender.stderr()
        assert tree_size(folder) == first + 4000
        assert log.stop() == 0
    finally:
        sender.close()
        log.close()
    assert json.loads(tlog("fsck", folder, "--json")[0])["entries_opened"] == first + 4000


def test_a_killed_append_is_finished_by_running_it_again(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, token = plain
    file = ndjson(tmp_path / "e", 3000)
    with serving(folder) as log:
        first = tree_size(folder)
        at = ["--url", log.url, "--batch", "20", "--json"]
        sender = spawn([*TLOG, "append", str(file), *at], env={"TLOG_TOKEN": token})
        try:
            wait_until(lambda: tree_size(folder) > 150)
            sender.kill()
            size = tree_size(folder) - first
        finally:
            sender.close()
        assert (tmp_path / "e.tlog-ids").exists()
        said = json.loads(tlog("append", file, *at, token=token)[0])
        assert 100 < size < 3000
        assert size <= said["duplicates"] < 3000
        assert (said["stored"], tree_size(folder)) == (3000, first + 3000)
        assert not (tmp_path / "e.tlog-ids").exists()


def test_appending_from_a_pipe(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, token = plain
    with serving(folder) as program:
        first = tree_size(folder)
        at = ["--url", program.url]
        # A producer that has not finished: what it has written is stored, whole lines only.
        sender = subprocess.Popen(
            [*TLOG, "append", "-", *at], cwd=ROOT, env=environment({"TLOG_TOKEN": token}), stdin=subprocess.PIPE
        )
        with sender:
            assert sender.stdin is not None
            one, two = (json.dumps(entry_document()).encode() for _ in range(2))
            sender.stdin.write(one + b"\n" + two[:40])
            sender.stdin.flush()
            wait_until(lambda: tree_size(folder) == first + 1)
            sender.stdin.write(two[40:])
            sender.stdin.close()
            assert sender.wait(timeout=60) == 0
        assert tree_size(folder) == first + 2

        # Sent again with its ids, a file is stored once.
        document = entry_document(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11")
        for duplicates in (0, 1):
            out, _ = tlog("append", "-", *at, "--json", stdin=json.dumps(document).encode(), token=token)
            assert (json.loads(out)["duplicates"], json.loads(out)["last_index"]) == (duplicates, first + 2)

        # A bad line: what came before it on a pipe is stored and said; of a file, nothing is sent.
        bad = json.dumps(entry_document(outcome="perhaps", colour="red")).encode()
        file = ndjson(tmp_path / "e", 3)
        file.write_bytes(file.read_bytes() + bad + b"\n")
        _, err = tlog("append", file, *at, token=token, code=1)
        assert "line 4: outcome: " in err
        assert "line 4: colour: " in err
        assert "nothing was sent" in err
        assert tree_size(folder) == first + 3
        _, err = tlog("append", "-", *at, stdin=file.read_bytes(), token=token, code=1)
        assert "0 entries are stored" in err

        assert json.loads(tlog("append", "-", *at, "--json", stdin=b"\n", token=token)[0])["stored"] == 0
        assert "cannot read" in tlog("append", tmp_path / "no", *at, token=token, code=1)[1]


def test_tokens_are_refused_clearly(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, token = plain
    file = ndjson(tmp_path / "e", 1)
    (tmp_path / "token").write_text(token + "\n")
    with serving(folder) as program:
        at = ["--url", program.url]
        assert "not known here" in tlog("append", file, *at, token="tlog_" + "x" * 43, code=1)[1]
        assert "give --token-file or set TLOG_TOKEN" in tlog("append", file, *at, code=2)[1]
        stored = json.loads(tlog("append", file, *at, "--token-file", tmp_path / "token", "--json")[0])
        shop = new_token(folder, "shop")
        other = ndjson(tmp_path / "o", 1)
        assert "appends entries of the source shop" in tlog("append", other, *at, token=shop, code=1)[1]
        assert "you read entries of sources shop only" in tlog("get", stored["first_index"], *at, token=shop, code=1)[1]


def test_a_log_that_cannot_start_says_why(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = plain
    with serving(folder) as program:
        assert "is served by another process already" in tlog("serve", folder, code=1)[1]
        port = program.url.rsplit(":", 1)[1]
        tlog("init", tmp_path / "second", "--origin", "example.com/second")
        assert f"port {port}" in tlog("serve", tmp_path / "second", "--port", port, code=1)[1]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "cannot listen on 127.0.0.1" in tlog("serve", folder, "--port", port, code=1)[1]
    assert "certificate" in tlog("serve", folder, "--tls-cert", "no.pem", "--tls-key", "no.pem", code=1)[1]
    tlog("serve", folder, "--tls-cert", "no.pem", code=2)
    config = folder / "tlog.toml"
    config.write_text(config.read_text().replace("\nsealing_processes", "\nsealing_proceses"))
    assert "unknown: settings.sealing_proceses" in tlog("serve", folder, code=1)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(plain: tuple[Path, str], number: signal.Signals) -> None:
    folder, _ = plain
    with serving(folder) as program:
        assert program.ready["origin"] == ORIGIN
        with urlopen(f"{program.url}/readyz") as answer:  # noqa: S310 - loopback
            assert json.load(answer)["ready"] is True
        program.process.send_signal(number)
        assert program.process.wait(timeout=20) == 0
        lines = [json.loads(line) for line in program.stderr().splitlines()]
        assert lines[-1]["event"] == "stopping"


def test_tls(plain: tuple[Path, str], tmp_path: Path) -> None:
    folder, token = plain
    certificate, key = self_signed(tmp_path)
    with serving(folder, "--tls-cert", str(certificate), "--tls-key", str(key)) as program:
        assert program.url.startswith("https://127.0.0.1:")
        at = ["--url", program.url]
        file = ndjson(tmp_path / "e", 2)
        _, err = tlog("append", file, *at, token=token, code=1)
        assert "certificate" in err.lower()
        assert "trying again" not in err
        tlog("append", file, *at, "--ca-file", certificate, token=token)


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
