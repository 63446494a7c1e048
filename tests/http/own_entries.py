"""What the log says of itself, as an auditor finds it."""

from __future__ import annotations

from typing import Any

from tests.http.service import Service


async def own_entries(service: Service, action: str) -> list[dict[str, Any]]:
    """The log's own entries of this action, newest first."""
    answer = await service.get(f"/v1/entries?source=tlog&action={action}", service.auditor)
    return [found["entry"] for found in answer.json()["entries"]]
