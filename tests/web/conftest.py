from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import MadeLog, entry_document, running_log
from tests.web.site import Site, site
from tlog.audit.entry import NDJSON
from tlog.service.intake import AppendRequest


async def append(made: MadeLog, *documents: dict[str, object]) -> int:
    """Append entries of the clinic and return the index of the last one, witnessed."""
    body = "\n".join(json.dumps(document) for document in documents).encode()
    placed = await made.log.appender.append(AppendRequest(body, NDJSON, frozenset({"clinic"})))
    await made.log.wait("witnessed", placed[-1].index + 1)
    return placed[-1].index


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Site]:
    """The pages of a log with three entries of a clinic: two of one patient, one of another."""
    async with running_log(tmp_path / "log") as made, site(made) as served:
        await append(
            made,
            entry_document(),
            entry_document(subjects=[{"id": "p-9"}], outcome="denied"),
            entry_document(action="patient.record.update"),
        )
        yield served
