"""Changing the log's signing keys: with three real witnesses that learn them one by one, and cut off at every step."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.processes import WITNESS, run
from tests.support import entry_document
from tests.town import Town, town
from tlog.client.verifier import OfflineVerifier
from tlog.errors import TlogError
from tlog.formats.policy import parse_policy


def append_and_prove(place: Town) -> bytes:
    [stored] = place.append(json.dumps(entry_document()).encode(), "?wait=witnessed")
    status, proof = place.get(f"/v1/entries/{stored['index']}/proof")
    assert status == 200
    return proof


def verifies(proof: bytes, policy: bytes) -> bool:
    try:
        OfflineVerifier(parse_policy(policy)).verify(proof)
    except TlogError:
        return False
    return True


@pytest.mark.processes
@pytest.mark.timeout(240)
def test_keys_are_changed_with_an_overlap(tmp_path: Path, tlog: Command) -> None:
    with town(tmp_path) as place:
        policy, log = place.log_folder / "policy.txt", place.log_folder
        before, old_policy = append_and_prove(place), policy.read_bytes()
        place.log.stop()
        said = tlog("key", "rotate", "signing", log, "--json").json
        assert tlog("key", "rotate", "signing", log, "--json").json["added"] == said["added"], "made once"
        assert "no checkpoint is signed" in tlog("key", "rotate", "signing", log, "--finish", code=1).err
        place.restart_log()
        both_policy = policy.read_bytes()
        overlap = append_and_prove(place)
        assert verifies(overlap, old_policy)
        assert verifies(overlap, both_policy)
        for number in (0, 1, 2):
            place.witnesses[number].stop()
            learn = said["witness"].replace("tlog-witness", "").replace("WITNESS-DIR", str(tmp_path / f"w{number}"))
            run([*WITNESS, *learn.split()])
            place.restart_witness(number)
            assert verifies(append_and_prove(place), both_policy)
        place.log.stop()
        done = tlog("key", "rotate", "signing", log, "--finish", "--json").json
        assert done["vkeys"] == said["added"]
        kept = Path(done["old_policy"])
        assert (kept.parent, kept.read_bytes()) == (log / "keys" / "retired", both_policy)
        assert "no new signing keys" in tlog("key", "rotate", "signing", log, "--finish", code=1).err
        place.restart_log()
        after, new_policy = append_and_prove(place), policy.read_bytes()
        assert verifies(after, new_policy)
        assert verifies(after, both_policy)
        assert not verifies(after, old_policy)
        assert verifies(before, old_policy)
        assert not verifies(before, new_policy)
        (tmp_path / "before").write_bytes(before)
        refused = tlog("verify", tmp_path / "before", "--policy", policy, code=1).err
        assert "the log may have changed its keys" in refused
        tlog("verify", tmp_path / "before", "--policy", kept)
        place.log.stop()
        assert tlog("fsck", log, "--json").json["ok"] is True
        assert [key for key in new_policy.decode().split() if key in said["added"]] == said["added"]


class Cut(Exception):
    """The power went."""


def cut_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """Let the `step`-th change of a file's name, or of a folder, fail before it happens."""
    seen = 0

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == step:
                raise Cut
            return real(*arguments, **options)

        return call

    for holder, name in ((os, "link"), (os, "rename"), (os, "replace"), (os, "rmdir"), (os, "mkdir")):
        monkeypatch.setattr(holder, name, guarded(getattr(holder, name)))
    return lambda: seen


@pytest.mark.parametrize("finish", [False, True], ids=["begin", "finish"])
def test_cut_off_anywhere_the_same_command_goes_on(
    finish: bool, tmp_path: Path, tlog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    tlog("init", tmp_path / "log", "--origin", "example.com/log")
    if finish:
        tlog("key", "rotate", "signing", tmp_path / "log")
        monkeypatch.setattr("tlog.cli.rotate_signing._require_signed", lambda *_: None)
    command = ("key", "rotate", "signing", *(["--finish"] if finish else []))
    step, cuts = 1, 0
    while True:
        log = tmp_path / f"cut-{step}"
        shutil.copytree(tmp_path / "log", log)
        with monkeypatch.context() as patch:
            count = cut_at(patch, step)
            try:
                tlog(*command, log)
            except Cut:
                cuts += 1
            if count() < step:
                break
        tlog(*command, log)
        shown = tlog("key", "show", log, "--json").json["vkeys"]
        listed = [word for word in (log / "policy.txt").read_text().split() if "+" in word]
        assert len(shown) == (2 if finish else 4)
        assert [key for key in listed if key in shown] == shown
        assert len(listed) == len(shown), "nothing else is trusted"
        kept = [path.read_bytes() for path in sorted((log / "keys").glob("retired/policy-until-*.txt"))]
        assert kept == ([(tmp_path / "log" / "policy.txt").read_bytes()] if finish else [])
        step += 1
    assert cuts == step - 1 >= 4
