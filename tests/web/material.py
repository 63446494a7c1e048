"""Evidence made of keys from fixed seeds: no log, no clock, and whatever a test wants to be wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.client.material import LOG, ORIGIN, TIME, WITNESSES, hashed, policy
from tests.merkle import oracle
from tlog.audit.disclosure import digest, disclosures
from tlog.audit.evidence import FORMAT, Evidence, EvidenceEntry
from tlog.audit.leaf import leaf_of
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.encoding import b64encode
from tlog.formats.policy import encode_policy

INDEX, BEFORE, SIZE = 5, 4, 7
HOSTILE = "</script><script>alert(1)</script><!-- <script> \u2028\u2029 \u202e & \\u003c ]]>"
FIELDS: dict[str, Any] = {
    "schema": 1,
    "source": "clinic",
    "seq": 9007199254740993,
    "action": "patient.record.read",
    "actor.id": "e-1007",
    "actor.name": HOSTILE,
    "purpose": "treatment",
    "details": {"ratio": 1.50, "note": "Größe 😀", "none": None, "yes": True, "list": [1, [2, []], {}]},
    "subjects[0]": {"id": "p-4711", "data": {"fields": ["allergies"]}},
}
Times = Mapping[int, int]
"""Seconds after `TIME` at which the witness of that number cosigned."""


def disclosed(fields: Mapping[str, Any] = FIELDS) -> dict[str, str]:
    """Return the disclosures of these fields by name."""
    pairs = [(name.encode(), json.dumps(value, ensure_ascii=False).encode()) for name, value in fields.items()]
    return {n: text.decode() for n, text in zip(fields, disclosures(bytes(range(32)), pairs), strict=True)}


def leaf(texts: Mapping[str, str]) -> bytes:
    return leaf_of(digest(text.encode()) for text in texts.values())


def tree(size: int = SIZE, own: bytes | None = None) -> list[bytes]:
    """Return leaf hashes; `own` is the leaf at `INDEX`."""
    others = [hashlib.sha256(b"leaf %d" % i).digest() for i in range(size)]
    if own is not None and size > INDEX:
        others[INDEX] = own
    return hashed(others)


def note(leaf_hashes: Sequence[bytes], times: Times, text: str | None = None) -> str:
    """Return a checkpoint of this tree, or of any text, cosigned at those times; 0 stands for the timestamp 0."""
    text = text or Checkpoint(ORIGIN, len(leaf_hashes), oracle.mth(leaf_hashes)).text()
    made = LOG.sign(text).with_signatures(WITNESSES[i].cosign(text, TIME + at) for i, at in times.items())
    return made.encode().decode()


def case(before: Times | None = None, after: Times | None = None, **fields: Any) -> Evidence:
    """Return evidence of one entry, with a checkpoint before it and one that contains it."""
    texts = disclosed(FIELDS | fields)
    own = leaf(texts)
    old, new = tree(BEFORE, own), tree(SIZE, own)
    times = {0: 0, 1: 1, 2: 2}
    entry = EvidenceEntry(
        index=INDEX,
        size=SIZE,
        after=BEFORE,
        leaf=b64encode(own),
        inclusion=[b64encode(one) for one in oracle.path(INDEX, new)],
        disclosures=texts,
        digests=[],
    )
    return Evidence(
        format=FORMAT,
        origin=ORIGIN,
        made_at="2026-03-01T09:30:00.000000Z",
        policy=encode_policy(policy()).decode(),
        checkpoints=[note(old, times if before is None else before), note(new, after or {0: 10, 1: 11, 2: 12})],
        consistency=[[b64encode(one) for one in oracle.proof(BEFORE, new)]],
        entries=[entry],
    )
