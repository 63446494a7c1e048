from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tlog.service.identity.authorization import PendingLogin, authorization_url, challenge_of
from tlog.service.identity.metadata import Metadata

LOGIN = PendingLogin("s", "n", "v", 0, "/ui/")


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636 appendix B."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_an_endpoint_that_has_a_query_keeps_it() -> None:
    metadata = Metadata("i", "https://id.example/auth?tenant=1", "t", "j", None, False, False)
    url = authorization_url(metadata, "a&b", ("openid", "groups"), "https://log.example/cb", LOGIN)
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert (query["tenant"], query["client_id"], query["scope"]) == (["1"], ["a&b"], ["openid groups"])


def test_nothing_secret_is_printed() -> None:
    assert repr(LOGIN) == "PendingLogin(started_at=0, return_to='/ui/')"
