from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from sqlalchemy import text as text_of

from tests.conftest import NewUrl
from tlog.errors import ConfigurationInvalid, Conflict, NotFound, Unauthorized
from tlog.storage.act_store import ActKind, ActState, ActStore
from tlog.storage.database import Database
from tlog.storage.migrate import _config, upgrade
from tlog.storage.roles import EVERYTHING, Role, RowScope
from tlog.storage.token_store import Credential, NewToken, Token, TokenStore, new_secret, new_token_id, token_for

JANE = NewToken("jane", frozenset({Role.AUDITOR}))
FINGERPRINT = bytes(range(32))


@pytest.fixture
def tokens(database: Database) -> TokenStore:
    clock = count(1)
    return TokenStore(database, lambda: next(clock))


class Clock:
    """Microseconds, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


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


def test_a_credential_expires_at_its_time(database: Database) -> None:
    clock = Clock()
    tokens = TokenStore(database, clock)
    token, text = tokens.issue(replace(JANE, expires_at=2_000))
    link = tokens.issue(replace(JANE, credential=Credential.LINK, expires_at=2_000))[1]
    tokens.issue(replace(JANE, credential=Credential.CERTIFICATE, certificate=FINGERPRINT, expires_at=2_000))
    clock.now = 1_999
    assert tokens.find(text) == token
    assert tokens.find_certificate(FINGERPRINT).name == "jane"
    clock.now = 2_000
    with pytest.raises(Unauthorized, match="token has expired"):
        tokens.find(text)
    with pytest.raises(Unauthorized, match="certificate has expired"):
        tokens.find_certificate(FINGERPRINT)
    with pytest.raises(Unauthorized, match="link has expired"):
        tokens.use_link(link)
    assert [(t.expires_at, t.revoked_at) for t in tokens.all()] == [(2_000, None)] * 3


@pytest.mark.parametrize(
    "scope",
    [
        EVERYTHING,
        RowScope(frozenset({"shop"})),
        RowScope(frozenset({"shop", "clinic"}), frozenset({"long", "standard"})),
        RowScope(None, frozenset({"long"})),
        RowScope(frozenset()),
    ],
)
def test_roles_and_scope_come_back_as_they_were(tokens: TokenStore, scope: RowScope) -> None:
    roles = frozenset({Role.READER, Role.ADMIN})
    token, text = tokens.issue(NewToken("jane@example.com", roles, scope))
    found = tokens.find(text)
    assert (found, found.roles, found.scope) == (token, roles, scope)
    assert tokens.all() == [token]


@pytest.mark.parametrize("sources", [None, frozenset[str](), frozenset({"tlog"}), frozenset({"shop", "tlog"})])
def test_a_writer_has_sources_and_never_the_logs_own(tokens: TokenStore, sources: frozenset[str] | None) -> None:
    with pytest.raises(ConfigurationInvalid):
        tokens.issue(NewToken("shop", frozenset({Role.WRITER, Role.AUDITOR}), RowScope(sources)))
    with pytest.raises(ConfigurationInvalid, match="needs a role"):
        tokens.issue(NewToken("shop", frozenset(), RowScope(sources)))
    assert tokens.all() == []


def test_each_kind_of_credential_is_taken_only_as_what_it_is(tokens: TokenStore) -> None:
    bearer = tokens.issue(JANE)[1]
    link = tokens.issue(replace(JANE, credential=Credential.LINK))[1]
    issued, no_text = tokens.issue(replace(JANE, credential=Credential.CERTIFICATE, certificate=FINGERPRINT))
    assert no_text == ""
    assert tokens.find_certificate(FINGERPRINT) == issued
    for text in (link, FINGERPRINT.decode("latin-1"), FINGERPRINT.hex(), ""):
        with pytest.raises(Unauthorized):
            tokens.find(text)
    for text in (bearer, FINGERPRINT.hex()):
        with pytest.raises(Unauthorized):
            tokens.use_link(text)
    for text in (bearer, link):
        with pytest.raises(Unauthorized):
            tokens.find_certificate(hashlib.sha256(text.encode()).digest())
    assert tokens.find(bearer).name == "jane"  # none of these attempts used it up


def test_a_certificate_is_one_persons_until_it_is_revoked_and_after(tokens: TokenStore) -> None:
    new = replace(JANE, credential=Credential.CERTIFICATE, certificate=FINGERPRINT)
    tokens.require_unknown(FINGERPRINT)
    issued, _ = tokens.issue(new)
    with pytest.raises(Conflict):
        tokens.require_unknown(FINGERPRINT)
    with pytest.raises(Conflict):
        tokens.issue(replace(new, name="otto"))
    tokens.revoke(issued.token_id)
    with pytest.raises(Unauthorized):
        tokens.find_certificate(FINGERPRINT)
    with pytest.raises(Conflict):
        tokens.issue(new)
    assert [token.name for token in tokens.all()] == ["jane"]


def test_storing_is_repeated_under_its_id_and_no_other(tokens: TokenStore) -> None:
    digest, token_id = hashlib.sha256(new_secret().encode()).digest(), new_token_id()
    first = tokens.store(JANE, digest, token_id)
    assert tokens.store(JANE, digest, token_id) == first
    with pytest.raises(Conflict):
        tokens.store(JANE, digest, new_token_id())
    with pytest.raises(Conflict):
        tokens.store(JANE, digest)
    assert tokens.all() == [first]


def test_of_many_who_store_one_certificate_at_once_one_does(tokens: TokenStore) -> None:
    """As two processes may: an admin's command beside the serving log."""
    many = 8
    all_there = Barrier(many, timeout=30)

    def store(number: int) -> str:
        all_there.wait()
        try:
            return tokens.store(JANE, FINGERPRINT, f"id-{number}").token_id
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(many) as threads:
        ends = list(threads.map(store, range(many)))
    assert sorted(ends)[1:] == ["refused"] * (many - 1)
    assert [token.token_id for token in tokens.all()] == [min(ends)]


def test_an_id_that_another_credential_has_is_refused(tokens: TokenStore) -> None:
    first = tokens.issue(JANE)[0]
    with pytest.raises(Conflict):
        tokens.store(JANE, FINGERPRINT, first.token_id)
    assert tokens.all() == [first]


def test_what_is_not_in_force_is_said_before_anything_is_done(tokens: TokenStore) -> None:
    token, _ = tokens.issue(JANE)
    tokens.require_in_force(token.token_id)
    tokens.revoke(token.token_id)
    for token_id in (token.token_id, "unknown", ""):
        with pytest.raises(NotFound):
            tokens.require_in_force(token_id)


def test_a_link_lets_one_of_many_in_and_nobody_after(tokens: TokenStore) -> None:
    """All have found it in force before the first one uses it up."""
    many = 8
    text = tokens.issue(replace(JANE, credential=Credential.LINK))[1]
    all_found = Barrier(many, timeout=30)
    unexpired = tokens._unexpired

    def go_on_once_all_found_it(token: Token, what: str) -> Token:
        all_found.wait()
        return unexpired(token, what)

    def use() -> str:
        try:
            return tokens.use_link(text).name
        except Unauthorized:
            return "refused"

    tokens._unexpired = go_on_once_all_found_it  # type: ignore[method-assign]
    with ThreadPoolExecutor(many) as threads:
        ends = [ended.result() for ended in [threads.submit(use) for _ in range(many)]]
    tokens._unexpired = unexpired  # type: ignore[method-assign]
    assert sorted(ends) == ["jane"] + ["refused"] * (many - 1)
    with pytest.raises(Unauthorized):
        tokens.use_link(text)


OLD = [
    ("t-writer", "source", "shop", None),
    ("t-auditor", "auditor", "jane", None),
    ("t-dpo", "dpo", "maria", None),
    ("t-revoked", "source", "old-shop", 77),
]


@pytest.fixture
def old(new_url: NewUrl) -> Iterator[Database]:
    """A database of the schema before roles, with a token of each kind; the text of each is its id."""
    database = Database(new_url(), create=True)
    upgrade(database, "log", "0005")
    insert = (
        "INSERT INTO tokens (token_hash, token_id, kind, name, created_at, revoked_at)"
        " VALUES (:hash, :id, :kind, :name, 5, :revoked)"
    )
    with database.write() as connection:
        for token_id, kind, name, revoked in OLD:
            digest = hashlib.sha256(token_id.encode()).digest()
            values = {"hash": digest, "id": token_id, "kind": kind, "name": name, "revoked": revoked}
            connection.execute(text_of(insert), values)
    yield database
    database.close()


def test_tokens_of_before_roles_stay_what_they_were(old: Database) -> None:
    upgrade(old, "log")
    tokens = TokenStore(old, lambda: 100)
    shop = RowScope(frozenset({"shop"}))
    expected = [("shop", Role.WRITER, shop), ("jane", Role.AUDITOR, EVERYTHING), ("maria", Role.DPO, EVERYTHING)]
    found = [tokens.find(token_id) for token_id in ("t-writer", "t-auditor", "t-dpo")]
    assert [(token.name, *token.roles, token.scope) for token in found] == expected
    assert {(token.credential, token.created_at, token.expires_at) for token in tokens.all()} == {
        (Credential.BEARER, 5, None)
    }
    with pytest.raises(Unauthorized):
        tokens.find("t-revoked")
    tokens.issue(JANE)


def test_going_back_keeps_what_the_older_version_has_a_word_for(old: Database) -> None:
    upgrade(old, "log")
    tokens = TokenStore(old, lambda: 100)
    shop = RowScope(frozenset({"shop"}))
    for new in (
        NewToken("otto", frozenset({Role.ADMIN})),
        NewToken("tim", frozenset({Role.READER})),
        NewToken("both", frozenset({Role.AUDITOR, Role.ADMIN})),
        NewToken("limited", frozenset({Role.AUDITOR}), shop),
        NewToken("of-a-class", frozenset({Role.DPO}), RowScope(None, frozenset({"long"}))),
        NewToken("gateway", frozenset({Role.WRITER}), RowScope(frozenset({"a", "b"}))),
        NewToken("other", frozenset({Role.WRITER}), shop),
        replace(JANE, expires_at=200),
        replace(JANE, credential=Credential.LINK),
        replace(JANE, credential=Credential.CERTIFICATE, certificate=FINGERPRINT),
    ):
        tokens.issue(new)
    acts = ActStore(old)
    acts.add(bytes(16), ActKind.HOLD, ActState.DONE, 5)
    acts.add(bytes(15) + b"g", ActKind.GRANT, ActState.DONE, 6)
    with old.write() as connection:
        config = _config("log")
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
    with old.read() as connection:
        rows = connection.execute(text_of("SELECT token_id, kind, name, revoked_at FROM tokens")).all()
        kinds = connection.execute(text_of("SELECT kind FROM acts")).scalars().all()
    assert sorted(map(tuple, rows)) == sorted(OLD)
    assert kinds == ["hold"], "an older version reads every act, and knows no grant"
    upgrade(old, "log")
    assert TokenStore(old, lambda: 300).find("t-writer").scope == shop
