"""Audit entries of about 500 bytes to append: one clinic, 25 actors, 2,000 data subjects, the same every time."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.town import SOURCE

ACTORS, SUBJECTS = 25, 2_000
_ACTIONS = ("patient.record.read", "patient.record.update", "prescription.issue", "appointment.book", "invoice.read")
_PURPOSES = ("treatment", "billing", "quality assurance")


def ndjson_batches(batches: int, entries: int, seed: int = 1) -> list[bytes]:
    """Return bodies of `entries` entries each, numbered on across the batches."""
    random = Random(seed)  # noqa: S311 - a load, not a secret
    return [
        b"\n".join(entry(random, batch * entries + number) for number in range(entries)) for batch in range(batches)
    ]


def entry(random: Random, seq: int) -> bytes:
    """Return an entry as the JSON a service sends. It has no `id`: the log makes one."""
    return json.dumps(_document(random, seq), separators=(",", ":")).encode()


def _document(random: Random, seq: int) -> dict[str, Any]:
    actor, subject, record = random.randrange(ACTORS), random.randrange(SUBJECTS), random.randrange(10**6)
    return {
        "schema": 1,
        "source": SOURCE,
        "seq": seq,
        "occurred_at": f"2026-03-{1 + seq % 28:02}T09:30:{seq % 60:02}.{random.randrange(10**6):06}Z",
        "actor": {"type": "employee", "id": f"e-{actor:04}", "name": f"Dr. Example {actor}", "ip": "192.0.2.17"},
        "action": random.choice(_ACTIONS),
        "outcome": random.choices(("allowed", "denied", "failed"), (90, 7, 3))[0],
        "purpose": random.choice(_PURPOSES),
        "legal_basis": "GDPR 9(2)(h)",
        "targets": [{"type": "record", "id": f"r-{record}"}],
        "subjects": [{"id": f"p-{subject:05}", "data": {"fields": ["allergies", "medication"]}}],
        "correlation": {"trace_id": f"{random.getrandbits(128):032x}"},
        "details": {"ward": f"W{record % 12}", "reason": "ward round"},
    }
