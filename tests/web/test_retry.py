"""Refused forms: what the log says beside them is read when they are refused, and only then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from tests.web.site import Site, html
from tlog.storage.roles import Role
from web.interface import Interface

HOLD = {"kind": "legal-hold", "case": "2026/17", "reason": "court order", "authorised_by": "Dana Officer"}
TOKEN = {"name": "carl", "roles": "auditor", "credential": "bearer"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that pages ask, in their order."""
    found: list[str] = []
    answer = Interface.answer

    async def noting(
        self: Interface, request: web.Request, operation: str, body: Mapping[str, Any] | None = None
    ) -> web.Response:
        found.append(operation)
        return await answer(self, request, operation, body)

    monkeypatch.setattr(Interface, "answer", noting)
    return found


async def test_what_is_done_reads_no_list_before(clinic: Site, asked: list[str]) -> None:
    await clinic.log_in(Role.DPO)
    assert (await clinic.submit("/ui/holds", source="clinic", **HOLD)).status == 303
    assert asked == ["placeHold"]
    await clinic.log_in(Role.ADMIN)
    assert (await clinic.submit("/ui/tokens", **TOKEN)).status == 200
    assert asked == ["placeHold", "issueToken", "tokens", "acts"]


async def test_what_is_refused_is_shown_beside_the_list(clinic: Site, asked: list[str]) -> None:
    await clinic.log_in(Role.DPO)
    await clinic.submit("/ui/holds", source="clinic", **HOLD)
    page = html(await clinic.submit("/ui/holds", **HOLD | {"reason": "another"}), 400)
    assert "court order" in page.text
    assert asked == ["placeHold", "placeHold", "holds"]
    await clinic.log_in(Role.ADMIN)
    assert "Credentials" in html(await clinic.submit("/ui/tokens", **TOKEN, days="ten"), 400).text
    assert asked[3:] == ["tokens", "acts"]


async def test_a_list_that_can_not_be_read_leaves_the_refusal_as_it_was(
    clinic: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await clinic.log_in(Role.DPO)
    await clinic.submit("/ui/holds", source="clinic", **HOLD)
    monkeypatch.setattr(clinic.made.log, "holds", None)
    page = html(await clinic.submit("/ui/holds", **HOLD, occurred_from="soon"), 400)
    assert "occurred" in page.text.lower()
    assert "court order" not in page.text


async def test_what_can_not_be_logged_shows_nothing_of_the_log_beside_a_refused_form(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    await clinic.submit("/ui/holds", source="clinic", **HOLD)
    token = next(tag for tag in (await clinic.page("/ui/")).all("input") if tag.get("name") == "form_token")
    form = [("form_token", str(token["value"])), ("kind", "forever")]
    assert "court order" in html(await clinic.post("/ui/holds", form), 400).text
    with clinic.made.log.sequencer.reserve(clinic.made.log.settings.max_pending_entries, 0):
        page = html(await clinic.post("/ui/holds", form), 503)
    assert "court order" not in page.text
