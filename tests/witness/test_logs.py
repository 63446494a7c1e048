"""Which keys and origins an operator may trust."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.witness.conftest import NAME, Bench
from tests.witness.log_simulator import LogSimulator
from tlog.errors import ConfigurationInvalid, NoTrustedSignature, OriginUnknown
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.vkey import SignatureType, VKey
from witness.errors import RootInvalid
from witness.logs import LogSettings, add_log, check_settings, list_logs, pinned_state, update_log
from witness.rules import FIRST_CONTACT


def own_as_log_keys(bench: Bench) -> list[VKey]:
    """The witness's own public keys, in every guise a log's key can have."""
    ed25519, ml_dsa_44 = bench.cosigner.identity.vkeys
    return [
        ml_dsa_44,
        VKey("log.example", SignatureType.COSIGNATURE_ML_DSA_44, ml_dsa_44.public_key),
        VKey("log.example", SignatureType.ED25519, ed25519.public_key),
    ]


def test_own_key_cannot_vouch_for_a_log(bench: Bench) -> None:
    for key in own_as_log_keys(bench):
        with pytest.raises(ConfigurationInvalid, match="own key"):
            check_settings(LogSettings("log.example", (key,)), bench.cosigner.identity)


def test_own_name_cannot_sign_a_log(bench: Bench) -> None:
    key = Ed25519Signer(NAME, Ed25519PrivateKey.generate()).vkey
    with pytest.raises(ConfigurationInvalid, match="own name"):
        check_settings(LogSettings("log.example", (key,)), bench.cosigner.identity)


def test_unusable_settings(bench: Bench) -> None:
    log = LogSimulator.make()
    cosigner = VKey("log.example", SignatureType.COSIGNATURE_ED25519, log.ed25519.vkey.public_key)
    cases = [
        (LogSettings("log.example", ()), "at least one key"),
        (LogSettings("log.example", (cosigner,)), "type"),
        (LogSettings("", (log.ed25519.vkey,)), "origin"),
        (LogSettings("two\nlines", (log.ed25519.vkey,)), "origin"),
        (LogSettings("x" * 256, (log.ed25519.vkey,)), "255"),
        (LogSettings("log.example", (log.ed25519.vkey, log.ed25519.vkey)), "twice"),
        (LogSettings("log.example", (log.ed25519.vkey,), 0), "at least 1"),
    ]
    for settings, reason in cases:
        with pytest.raises(ConfigurationInvalid, match=reason):
            check_settings(settings, bench.cosigner.identity)


def test_longest_origin_is_cosigned(bench: Bench) -> None:
    log = LogSimulator.make("x" * 255)
    bench.trust(log)
    bench.verify(log.text(5), bench.submit(log.request(0, 5)))


def test_pinned_checkpoint_must_be_the_logs(bench: Bench) -> None:
    log, other = LogSimulator.make(), LogSimulator.make("log.example/b")
    settings = LogSettings(log.origin, (log.ed25519.vkey,))
    assert pinned_state(settings, None) == FIRST_CONTACT
    with pytest.raises(OriginUnknown):
        pinned_state(settings, other.note(5).encode())
    with pytest.raises(NoTrustedSignature):
        pinned_state(settings, LogSimulator.make().note(5).encode())
    with pytest.raises(RootInvalid):
        pinned_state(settings, log.note(0, root=b"\1" * 32).encode())


def test_adding_twice_keeps_the_state(bench: Bench, log: LogSimulator) -> None:
    bench.submit(log.request(0, 5))
    with pytest.raises(ConfigurationInvalid, match="known already"):
        add_log(bench.store, LogSettings(log.origin, (log.ed25519.vkey,)), FIRST_CONTACT)
    assert bench.state(log).size == 5


def test_update_replaces_keys_and_keeps_the_state(bench: Bench, log: LogSimulator) -> None:
    bench.submit(log.request(0, 5))
    renewed = LogSimulator.make(log.origin)
    update_log(bench.store, LogSettings(log.origin, (renewed.ed25519.vkey,), 7))
    [status] = list_logs(bench.store)
    assert (status.state.size, status.vkeys, status.requests_per_day) == (5, (renewed.ed25519.vkey.encode(),), 7)
    with pytest.raises(NoTrustedSignature):
        bench.submit(log.request(5, 6))
    bench.submit(renewed.request(5, 6, keys="ed25519"))


def test_update_of_an_unknown_log(bench: Bench) -> None:
    key = LogSimulator.make().ed25519.vkey
    with pytest.raises(ConfigurationInvalid, match="not known"):
        update_log(bench.store, LogSettings("other.example", (key,)))
