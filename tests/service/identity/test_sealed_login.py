from __future__ import annotations

from dataclasses import replace
from os import urandom

import pytest

from tests.formats.mangle import mangled
from tlog.errors import LoginRefused
from tlog.service.identity import sealed_login
from tlog.service.identity.authorization import PendingLogin
from tlog.service.identity.sealed_login import SealedLogins

LOGIN = PendingLogin("state", "nonce", "verifier", 1, "/ui/")


def test_a_login_is_taken_once() -> None:
    logins = SealedLogins(urandom)
    sealed = logins.seal(LOGIN)
    assert "verifier" not in sealed
    assert logins.take(sealed) == LOGIN
    for again in (sealed, logins.seal(LOGIN)):
        with pytest.raises(LoginRefused, match="ended already"):
            logins.take(again)
    assert logins.take(logins.seal(replace(LOGIN, state="other"))).state == "other"


def test_no_changed_cookie_is_taken() -> None:
    logins = SealedLogins(urandom)
    sealed = logins.seal(LOGIN).encode()
    for other in mangled(sealed, step=3):
        with pytest.raises(LoginRefused):
            logins.take(other.decode("latin-1"))


@pytest.mark.parametrize("value", [None, "", "x", "AAAA", "A" * 5000, "ÿ"])
def test_what_is_no_login(value: str | None) -> None:
    with pytest.raises(LoginRefused):
        SealedLogins(urandom).take(value)


def test_another_process_does_not_know_it() -> None:
    with pytest.raises(LoginRefused, match="not known here any more"):
        SealedLogins(urandom).take(SealedLogins(urandom).seal(LOGIN))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_login, "MAX_TAKEN", 3)
    logins = SealedLogins(urandom)
    sealed = [logins.seal(replace(LOGIN, state=str(number))) for number in range(5)]
    for value in sealed:
        logins.take(value)
    for value in sealed[2:]:
        with pytest.raises(LoginRefused):
            logins.take(value)
    assert len(logins._taken) == 3
