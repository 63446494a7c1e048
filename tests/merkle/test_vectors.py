"""Public vectors of transparency-dev/merkle: each probe verifies or is refused, as its `wantErr` says."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from tests.shared import shared_dir
from tlog.errors import ConsistencyInvalid, InclusionInvalid, VerificationFailed
from tlog.merkle.verify import verify_consistency, verify_inclusion
from tlog.merkle.verify_subtree import Subtree, verify_subtree_consistency, verify_subtree_inclusion


class Probe:
    def __init__(self, text: str) -> None:
        self._fields: dict[str, Any] = json.loads(text)

    def number(self, name: str) -> int:
        return int(self._fields[name])

    def hash(self, name: str) -> bytes:
        return b64decode(self._fields[name] or "", validate=True)

    @property
    def proof(self) -> list[bytes]:
        return [b64decode(value, validate=True) for value in self._fields["proof"] or []]

    def outcome(self, error: type[VerificationFailed]) -> AbstractContextManager[object]:
        return pytest.raises(error) if self._fields["wantErr"] else nullcontext()


def inclusion(p: Probe) -> None:
    with p.outcome(InclusionInvalid):
        verify_inclusion(p.hash("leafHash"), p.number("leafIdx"), p.number("treeSize"), p.proof, p.hash("root"))


def consistency(p: Probe) -> None:
    with p.outcome(ConsistencyInvalid):
        verify_consistency(p.number("size1"), p.number("size2"), p.proof, p.hash("root1"), p.hash("root2"))


def subtree_inclusion(p: Probe) -> None:
    subtree = Subtree(p.number("start"), p.number("end"))
    with p.outcome(InclusionInvalid):
        verify_subtree_inclusion(p.hash("leafHash"), p.number("leafIdx"), subtree, p.proof, p.hash("root"))


def subtree_consistency(p: Probe) -> None:
    subtree = Subtree(p.number("start"), p.number("end"))
    with p.outcome(ConsistencyInvalid):
        verify_subtree_consistency(subtree, p.number("size"), p.proof, p.hash("root1"), p.hash("root2"))


@pytest.mark.parametrize(
    ("folder", "check", "count"),
    [
        ("rfc6962-inclusion", inclusion, 98),
        ("rfc6962-consistency", consistency, 98),
        ("subtree-inclusion", subtree_inclusion, 204),
        ("subtree-consistency", subtree_consistency, 118),
    ],
)
def test_vectors(folder: str, check: Callable[[Probe], None], count: int) -> None:
    files = sorted((shared_dir() / "vectors" / folder).rglob("*.json"))
    assert len(files) == count
    for file in files:
        try:
            check(Probe(file.read_text()))
        except (AssertionError, VerificationFailed, pytest.fail.Exception) as exc:
            pytest.fail(f"{file.relative_to(file.parents[2])}: {exc}")
