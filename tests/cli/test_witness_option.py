from __future__ import annotations

import pytest

from tests.client.material import LOG, WITNESSES
from tlog.cli.witness_option import parse_witness, witness_policy
from tlog.errors import MalformedPolicy
from tlog.formats.policy import encode_policy

KEYS = [witness.vkey.encode() for witness in WITNESSES]


def option(name: str, *keys: str, url: str = "https://w.example/x") -> str:
    return f"{name}={','.join(keys)}@{url}"


def test_one_key_is_a_witness_of_that_name() -> None:
    witness = parse_witness(option("w1", KEYS[0]))
    (line,) = witness.lines
    assert (line.name, line.vkey, line.url) == (b"w1", WITNESSES[0].vkey, "https://w.example/x")


def test_several_keys_count_only_together() -> None:
    policy = witness_policy([option("w1", *KEYS[:2]), option("w2", KEYS[2])], 1)
    assert [line.name for line in policy.witnesses] == [b"w1-1", b"w1-2", b"w2"]
    assert not policy.quorum_met([b"w1-1"])
    assert not policy.quorum_met([b"w1-2"])
    assert policy.quorum_met([b"w1-1", b"w1-2"])
    assert policy.quorum_met([b"w2"])


@pytest.mark.parametrize(("quorum", "needed"), [(None, 2), (1, 1), (2, 2), (3, 3)])
def test_the_quorum_defaults_to_more_than_half(quorum: int | None, needed: int) -> None:
    policy = witness_policy([option(f"w{i}", key) for i, key in enumerate(KEYS)], quorum)
    names = [b"w0", b"w1", b"w2"]
    assert not policy.quorum_met(names[: needed - 1])
    assert policy.quorum_met(names[:needed])


def test_without_witnesses_there_is_no_quorum() -> None:
    assert encode_policy(witness_policy([], None)) == b"quorum none\n"


@pytest.mark.parametrize(
    ("options", "quorum", "says"),
    [
        ([], 1, "--quorum needs at least one --witness"),
        ([option("w", KEYS[0])], 2, "can never be met by 1"),
        (["w"], None, "not NAME="),
        ([KEYS[0]], None, "not NAME="),
        ([f"w={KEYS[0]}"], None, "not NAME="),
        ([f"w={KEYS[0]}@ftp://w"], None, "not NAME="),
        ([option("w", "x+y+z")], None, "--witness w: vkey"),
        ([option("w", KEYS[0] + "A")], None, "--witness w: vkey"),
        ([option("w", KEYS[0]), option("w", KEYS[1])], None, "defined already"),
        ([option("a", KEYS[0]), option("b", KEYS[0])], None, "already"),
        ([option("quorum", KEYS[0])], None, "defined already"),
        ([option("none", KEYS[0])], None, "cannot be defined"),
        ([option("w", LOG.ed25519.vkey.encode())], None, "not a cosigner's"),
    ],
)
def test_what_makes_no_policy_is_refused(options: list[str], quorum: int | None, says: str) -> None:
    with pytest.raises(MalformedPolicy, match=says):
        witness_policy(options, quorum)
