from __future__ import annotations

from bench.sample_entries import ndjson_batches
from tests.town import SOURCE
from tlog.audit.entry import NDJSON
from tlog.service.intake import AppendRequest, read_request


def test_batches_are_entries_that_a_log_takes() -> None:
    bodies = ndjson_batches(2, 300)
    entries = [entry for body in bodies for entry in read_request(AppendRequest(body, NDJSON, frozenset({SOURCE})))]
    assert [entry.seq for entry in entries] == list(range(600))
    assert len({entry.actor.id for entry in entries}) == 25
    assert {entry.outcome for entry in entries} == {"allowed", "denied", "failed"}
    assert 450 <= sum(map(len, bodies)) / 600 <= 550


def test_batches_are_the_same_every_time() -> None:
    assert ndjson_batches(1, 5) == ndjson_batches(1, 5)
