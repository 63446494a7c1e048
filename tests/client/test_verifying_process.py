"""Evidence in a process of its own: what it says, what it is given, what it does when it gets nonsense."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.test_erasure import append, opened, settings
from tests.support import entry_document, running_log
from tlog.client import verify_alone, verifying_process
from tlog.client.drill_desk import Verified
from tlog.client.verifying_process import verify_in_process
from tlog.errors import Unavailable, VerificationFailed
from tlog.formats.policy import encode_policy
from tlog.service.evidence import EvidenceMaker, Provable

Case = tuple[bytes, bytes, bytes]


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    """A policy, evidence of entry 1 and its leaf."""
    async with running_log(tmp_path / "log", settings=settings()) as made:
        await append(made, entry_document(), entry_document())
        await made.log.wait("witnessed", 2)
        log = made.log
        maker = EvidenceMaker(log.store, log.proofs, log.policy, log.acts.now)
        entry = Provable(log.entries.stored(1), opened(made, 1))
        yield encode_policy(log.policy), maker.make([entry]).encode(), entry.stored.leaf


async def test_it_says_which_leaf_is_proved_at_which_index(case: Case) -> None:
    policy, evidence, leaf = case
    assert await verify_in_process(policy, evidence) == Verified(1, leaf)


async def test_a_refusal_comes_back_with_its_check(case: Case) -> None:
    policy, evidence, _ = case
    document = json.loads(evidence)
    document["entries"][0]["disclosures"].pop("purpose")
    for changed, check in ((json.dumps(document).encode(), "leaf"), (b"{}", "format"), (b"", "format")):
        with pytest.raises(VerificationFailed, match=f"^{check}: "):
            await verify_in_process(policy, changed)
    with pytest.raises(VerificationFailed, match=r"^format: "):
        await verify_in_process(b"nonsense", evidence)


async def test_it_is_given_the_policy_and_the_file_and_no_token(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in of the interpreter notes what it was started with."""
    spy = tmp_path / "python"
    spy.write_text(f'#!/bin/sh\n(env; echo "$@") > {tmp_path}/seen\nexec {sys.executable} "$@"\n')
    spy.chmod(0o700)
    monkeypatch.setenv("TLOG_TOKEN", "secret-token-of-jane")
    monkeypatch.setenv("TLOG_URL", "http://log.example")
    monkeypatch.setattr(sys, "executable", str(spy))
    await verify_in_process(*case[:2])
    seen = (tmp_path / "seen").read_text()
    assert "-P -m tlog.client.verify_alone" in seen
    assert "TLOG" not in seen.replace("tlog", "")
    assert "secret" not in seen


async def test_one_that_does_not_answer_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying_process, "_ARGUMENTS", ("-c", "import time; time.sleep(60)"))
    with pytest.raises(Unavailable, match=r"within 0\.2 seconds"):
        await verify_in_process(b"", b"", 0.2)
    monkeypatch.setattr(verifying_process, "_ARGUMENTS", ("-c", "raise SystemExit(7)"))
    with pytest.raises(Unavailable, match="ended with 7 and said nothing"):
        await verify_in_process(b"", b"")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable, match="can't be started: No such file"):
        await verify_in_process(b"", b"")


def test_starting_it_imports_no_log_and_no_command_line() -> None:
    """Its start counts in every drill."""
    code = f"import sys, {verify_alone.__name__}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    modules = set(done.stdout.split())
    assert "tlog.client.evidence_verifier" in modules
    heavy = {"typer", "rich", "sqlalchemy", "aiohttp", "asyncio", "obstore", "pymerkle", "tlog.service", "tlog.cli"}
    assert heavy & modules == set()
