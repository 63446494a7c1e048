"""Pages show nothing beyond what somebody may see, and do nothing without an entry."""

from __future__ import annotations

from pathlib import Path

from tests.http.own_entries import stored_own
from tests.support import running_log
from tests.web.site import Site, site
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken


async def test_who_is_limited_sees_only_their_sources(clinic: Site) -> None:
    new = NewToken("lea", frozenset({Role.AUDITOR}), RowScope(frozenset({"lab"})))
    assert (await clinic.post("/ui/login", [("token", clinic.made.log.tokens.issue(new)[1])])).status == 303
    assert "clinic" not in (await clinic.page("/ui/sources")).text


async def test_a_grant_that_waits_and_the_tokens_shown_beside_it_are_logged(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made, site(made) as served:
        await served.log_in(Role.ADMIN, "otto")
        before = len(stored_own(made))
        assert (await served.submit("/ui/tokens", name="otto", roles=["dpo"])).status == 200
        assert len(stored_own(made)) > before
