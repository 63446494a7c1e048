from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tlog.errors import ConfigurationInvalid, NotFound, Unauthorized
from tlog.storage.database import Database
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for


@pytest.fixture
def tokens(database: Database) -> TokenStore:
    clock = count(1)
    return TokenStore(database, lambda: next(clock))


def test_a_token_is_found_by_its_text_until_it_is_revoked(tokens: TokenStore) -> None:
    token, text = tokens.issue(token_for(Role.WRITER, "shop"))
    assert tokens.find(text) == token
    tokens.revoke(token.token_id)
    with pytest.raises(Unauthorized):
        tokens.find(text)
    assert [(t.name, t.revoked_at is None) for t in tokens.all()] == [("shop", False)]
    with pytest.raises(NotFound):
        tokens.revoke(token.token_id)


@pytest.mark.parametrize("text", ["", "tlog_", "tlog_" + "A" * 43, "\ud800", "shop"])
def test_any_other_text_is_refused(text: str, tokens: TokenStore) -> None:
    tokens.issue(token_for(Role.AUDITOR, "dpo"))
    with pytest.raises(Unauthorized):
        tokens.find(text)


@pytest.mark.parametrize("name", ["", "Shop", "a b", "-x", "x" * 129, "ü"])
def test_bad_names_are_refused(name: str, tokens: TokenStore) -> None:
    with pytest.raises(ConfigurationInvalid):
        tokens.issue(token_for(Role.WRITER, name))


def test_the_logs_own_source_is_nobodys(tokens: TokenStore) -> None:
    with pytest.raises(ConfigurationInvalid, match="reserved"):
        tokens.issue(token_for(Role.WRITER, "tlog"))
    assert tokens.all() == []
    assert tokens.issue(token_for(Role.DPO, "tlog"))[0].roles == {Role.DPO}


def test_the_text_is_nowhere_in_the_database(tmp_path: Path, tokens: TokenStore) -> None:
    text = tokens.issue(token_for(Role.WRITER, "shop"))[1]
    secret = text.removeprefix("tlog_").encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())
