"""The AWS provider against moto's server: real HTTP, requests that botocore checks against AWS's service model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.keys import moto
from tests.keys.moto import REGION
from tests.processes import free_port
from tlog.errors import ConfigurationInvalid, DecryptionFailed, Unavailable
from tlog.keys.aws_kek import AwsKek
from tlog.keys.kek import rewrap_many

CONTEXT = b"context"
KEYS = [bytes([number]) * 32 for number in range(20)]

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto.serving() as url:
        yield url


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in moto.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def test_keys_unwrap_in_order(server: str) -> None:
    kek = AwsKek(moto.new_key(server), REGION, server)
    wrapped = kek.wrap_many(KEYS, CONTEXT)

    assert kek.unwrap_many(wrapped, CONTEXT) == KEYS
    assert all(map(kek.is_current, wrapped))


def test_another_context_is_refused(server: str) -> None:
    kek = AwsKek(moto.new_key(server), REGION, server)

    with pytest.raises(DecryptionFailed):
        kek.unwrap_many(kek.wrap_many(KEYS, CONTEXT), b"other")


def test_what_another_provider_wrapped_is_refused(server: str) -> None:
    kek = AwsKek(moto.new_key(server), REGION, server)

    for bad in (b"", b"\x01" * 61, b"vault:v1:AAAA", b"\x03\x00\x04arn:"):
        with pytest.raises(DecryptionFailed):
            kek.unwrap_many([bad], CONTEXT)


def test_a_new_key_takes_over_what_the_old_one_wrapped(server: str) -> None:
    old = AwsKek(moto.new_key(server), REGION, server)
    wrapped = old.wrap_many(KEYS, CONTEXT)
    new = AwsKek(moto.new_key(server), REGION, server)

    assert not any(map(new.is_current, wrapped))
    again = rewrap_many(new, wrapped, CONTEXT)
    assert all(map(new.is_current, again))
    assert new.unwrap_many(again, CONTEXT) == KEYS


def test_a_missing_key_is_a_configuration_fault(server: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="NotFoundException"):
        AwsKek("12345678-1234-1234-1234-123456789012", REGION, server)


def test_a_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        AwsKek("alias/x", REGION, f"http://127.0.0.1:{free_port()}")
