"""The way to the provider's log-out: OpenID Connect RP-Initiated Logout 1.0 section 2."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.service.identity.signer import CLIENT
from tests.service.identity.simulator import DISCOVERY, answer, parts
from tlog.service.identity.end_session import end_session_url
from tlog.service.identity.refreshed import STALE_SECONDS


@pytest.mark.parametrize("endpoint", ["https://id.example/logout", "https://id.example/logout?tenant=1"])
def test_it_names_the_client_and_the_way_back_and_keeps_what_the_provider_said(endpoint: str) -> None:
    url = urlsplit(end_session_url(endpoint, "a client&x", "https://log.example/ui/"))
    assert url._replace(query="").geturl() == "https://id.example/logout"
    query = parse_qs(url.query, strict_parsing=True)
    assert query.pop("client_id") == ["a client&x"]
    assert query.pop("post_logout_redirect_uri") == ["https://log.example/ui/"]
    assert query == ({"tenant": ["1"]} if "?" in endpoint else {})


async def test_it_is_known_once_the_provider_was_asked_and_stays_known_while_it_is_away() -> None:
    async with parts() as at:
        at.simulator.metadata = {"end_session_endpoint": f"{at.simulator.issuer}/logout"}
        assert at.login.end_session_url() is None
        await at.login.begin("/ui/")
        url = at.login.end_session_url()
        assert url == end_session_url(f"{at.simulator.issuer}/logout", CLIENT, "https://log.example/ui/")
        at.simulator.answers[DISCOVERY] = answer(503)
        at.clock.now += STALE_SECONDS + 1
        assert at.login.end_session_url() == url


async def test_a_provider_that_offers_none_is_left_alone() -> None:
    async with parts() as at:
        await at.login.begin("/ui/")
        assert at.login.end_session_url() is None
