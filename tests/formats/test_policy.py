"""The policy file: what parses, what is refused and on which line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled
from tests.formats.material import LOG, LOG_PQ, ORIGIN, WITNESS_PQ, WITNESSES, ed25519_key, ml_dsa_key
from tlog.errors import MalformedPolicy
from tlog.formats.cosignature import Ed25519CosignatureSigner, MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.policy import (
    MAX_POLICY_BYTES,
    Group,
    LogLine,
    Policy,
    WitnessLine,
    encode_policy,
    parse_policy,
)
from tlog.formats.vkey import SignatureType, VKey, parse_vkey

VECTORS = Path(__file__).parent / "vectors"
L, LPQ = LOG.vkey.encode(), LOG_PQ.vkey.encode()
W1, W2, W3 = (witness.vkey.encode() for witness in WITNESSES)
W4 = WITNESS_PQ.vkey.encode()

THREE = f"""\
# our log and three witnesses
log {L} https://log.example/
log {LPQ}

witness w1 {W1} https://w1.example/
witness w2 {W2}
witness w3 {W3}
group two-of-three 2 w1 w2 w3
quorum two-of-three
"""
POOL = [Ed25519CosignatureSigner(f"pool{i}.example", ed25519_key(f"pool{i}")).vkey for i in range(6)]


def parse(text: str) -> Policy:
    return parse_policy(text.encode())


def test_a_policy() -> None:
    policy = parse(THREE)
    assert policy.logs == (LogLine(LOG.vkey, "https://log.example/"), LogLine(LOG_PQ.vkey))
    assert policy.witnesses[0] == WitnessLine(b"w1", WITNESSES[0].vkey, "https://w1.example/")
    assert policy.witnesses[1].url is None
    assert policy.groups == (Group(b"two-of-three", 2, (b"w1", b"w2", b"w3")),)
    assert policy.quorum == b"two-of-three"


names = st.binary(min_size=1, max_size=8).map(lambda b: bytes(x | 0x80 if x <= 0x20 or x == 0x7F else x for x in b))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    unique = draw(st.lists(names.filter(lambda n: n != b"none"), unique=True, max_size=9))
    urls = st.none() | names.map(lambda n: n.decode("utf-8", "surrogateescape"))
    witnesses = tuple(WitnessLine(name, key, draw(urls)) for name, key in zip(unique[:6], POOL, strict=False))
    defined, groups = [w.name for w in witnesses], []
    for name in unique[6:]:
        members = draw(st.lists(st.sampled_from(defined), min_size=1, unique=True))
        groups.append(Group(name, draw(st.integers(1, len(members))), tuple(members)))
        defined.append(name)
    logs = draw(st.lists(st.sampled_from([LogLine(LOG.vkey), LogLine(LOG_PQ.vkey, "u")]), unique=True))
    return Policy(tuple(logs), witnesses, tuple(groups), draw(st.sampled_from([b"none", *defined])))


@given(policies())
def test_round_trip(policy: Policy) -> None:
    assert parse_policy(encode_policy(policy)) == policy


@given(st.binary(max_size=120))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for whole in (data, data + b"\nquorum none\n", THREE.encode() + data + b"\n"):
        try:
            policy = parse_policy(whole)
        except MalformedPolicy:
            continue
        assert parse_policy(encode_policy(policy)) == policy


def test_every_mangled_policy_is_refused_or_written_back() -> None:
    refused = 0
    small = f"# one\nlog {L} u\nwitness w {W1}\ngroup g 1 w\nquorum g\n"
    for broken in mangled(small.encode()):
        try:
            policy = parse_policy(broken)
        except MalformedPolicy:
            refused += 1
            continue
        assert parse_policy(encode_policy(policy)) == policy
    assert refused > 2000


def test_white_space_is_spaces_and_tabs() -> None:
    policy = parse(f" \t log\t \t{L}  \n\t\n  # comment\n#\n \twitness  w\t{W1}\t\nquorum\tw \n")
    assert policy == Policy((LogLine(LOG.vkey),), (WitnessLine(b"w", WITNESSES[0].vkey),), (), b"w")


def test_a_comment_is_a_line_of_its_own() -> None:
    with pytest.raises(MalformedPolicy, match="policy line 1: not quorum <name>"):
        parse("quorum none # not a comment\n")
    assert parse(f"witness #w {W1}\nquorum #w\n").quorum == b"#w"


def test_names_are_opaque_octets() -> None:
    kelvin = "\u212a".encode()  # the example of the specification
    data = b"witness K %b\nwitness \xff\xfe %b\nwitness %b %b\ngroup g all K \xff\xfe %b\nquorum g\n"
    policy = parse_policy(data % (W1.encode(), W2.encode(), kelvin, W3.encode(), kelvin))
    assert policy.groups[0].members == (b"K", b"\xff\xfe", kelvin)
    assert not policy.quorum_met({b"K", b"\xff\xfe", b"k"})
    assert policy.quorum_met({b"K", b"\xff\xfe", kelvin})


def test_urls_and_comments_may_hold_any_high_octet() -> None:
    policy = parse_policy(b"# \xff\xfe\nlog " + L.encode() + b" https://\xff/\nquorum none\n")
    assert parse_policy(encode_policy(policy)) == policy
    assert b"https://\xff/" in encode_policy(policy)


@pytest.mark.parametrize("octet", [*range(9), *range(0x0B, 0x20), 0x7F])
def test_control_octets_are_refused_in_comments_too(octet: int) -> None:
    with pytest.raises(MalformedPolicy, match=f"policy line 2: octet 0x{octet:02x} at column 3 is not allowed"):
        parse_policy(b"quorum none\n# " + bytes([octet]) + b"\n")


def test_a_file_cut_short_is_refused() -> None:
    """`quorum ab` cut to `quorum a` is another policy."""
    text = f"witness a {W1}\nwitness ab {W2}\nquorum ab\n"
    assert parse(text).quorum == b"ab"
    for cut in (text[:-1], text[:-2]):
        with pytest.raises(MalformedPolicy, match="does not end with a newline"):
            parse(cut)


@pytest.mark.parametrize("text", ["", "\n", "# only\n", f"log {L}\n", f"witness w {W1}\n"])
def test_a_quorum_is_needed(text: str) -> None:
    with pytest.raises(MalformedPolicy, match="no quorum line"):
        parse(text)


def test_none_needs_no_witness() -> None:
    assert parse("quorum none\n") == Policy((), ())
    assert parse("quorum none\n").quorum_met([])


@pytest.mark.parametrize(
    ("lines", "number", "message"),
    [
        ("quorum none\nquorum none", 2, "second quorum"),
        (f"witness w {W1}\nquorum w\nquorum w", 3, "second quorum"),
        ("quorum w", 1, "w is no witness or group defined earlier"),
        (f"quorum w\nwitness w {W1}", 1, "defined earlier"),
        ("quorum", 1, "not quorum"),
        ("quorum none none", 1, "not quorum"),
        ("Quorum none", 1, "'Quorum' is not log, witness, group or quorum"),
        ("policy v1", 1, "'policy' is not"),
        ("log", 1, "not log"),
        (f"log {L} u extra", 1, "not log"),
        ("log nonsense", 1, "vkey"),
        (f"log {L}\nlog {L}", 2, "has a log line already"),
        (f"witness w {W1}\nwitness v {W1}", 2, "has a witness line already"),
        (f"witness w {W1}\nwitness w {W2}", 2, "the name w is defined already"),
        (f"witness w {W1}\ngroup w any w", 2, "the name w is defined already"),
        (f"witness none {W1}", 1, "the name 'none' cannot be defined"),
        (f"witness w {W1}\ngroup none any w", 2, "the name 'none' cannot be defined"),
        (f"witness w {L}", 1, "not a cosigner's"),
        ("witness w", 1, "not witness"),
        (f"witness {W1}", 1, "not witness"),
        (f"witness w {W1} u extra", 1, "not witness"),
        ("group g any", 1, "not group"),
        (f"witness w {W1}\ngroup g all", 2, "not group"),
        (f"witness w {W1}\ngroup g 0 w", 2, "threshold 0 is not within 1 and 1"),
        (f"witness w {W1}\ngroup g 2 w", 2, "threshold 2 is not within 1 and 1"),
        (f"witness w {W1}\ngroup g -1 w", 2, "group threshold"),
        (f"witness w {W1}\ngroup g 01 w", 2, "group threshold"),
        (f"witness w {W1}\ngroup g +1 w", 2, "group threshold"),
        (f"witness w {W1}\ngroup g most w", 2, "group threshold"),
        (f"witness w {W1}\ngroup g ALL w", 2, "group threshold"),
        (f"witness w {W1}\ngroup g 1 w w", 2, "listed twice"),
        (f"witness w {W1}\ngroup g 1 w v", 2, "v is no witness or group defined earlier"),
        (f"witness w {W1}\ngroup g 1 w none", 2, "none is no witness"),
        (f"witness w {W1}\ngroup g 1 w g", 2, "g is no witness"),
        (f"witness w {W1}\ngroup a 1 b\ngroup b 1 a", 2, "b is no witness"),
        (f"log {L[:-4]}AAA", 1, "not standard base64"),
    ],
)
def test_what_is_refused_and_where(lines: str, number: int, message: str) -> None:
    with pytest.raises(MalformedPolicy, match=f"^policy line {number}: .*{message}"):
        parse(lines + "\n")


def test_a_vkey_that_is_not_utf8() -> None:
    with pytest.raises(MalformedPolicy, match="line 1: vkey: not UTF-8"):
        parse_policy(b"log \xff+00000000+AAAA\n")


def test_weak_keys_are_refused_with_their_line() -> None:
    with pytest.raises(MalformedPolicy, match=r"line 2: .*small order"):
        parse("\nlog n+00000000+AQ" + "A" * 42 + "\n")


@pytest.mark.parametrize("kind", ["log", "witness"])
def test_one_key_counts_once_whatever_its_name_or_type(kind: str) -> None:
    """tlog-policy "Public key representation": vkeys that wrap one public key are duplicates."""
    types = [SignatureType.COSIGNATURE_ED25519] + [SignatureType.ED25519] * (kind == "log")
    for type_ in types:
        other = VKey("another.example", type_, WITNESSES[0].vkey.public_key).encode()
        lines = [f"log {W1}", f"log {other}"] if kind == "log" else [f"witness a {W1}", f"witness b {other}"]
        with pytest.raises(MalformedPolicy, match=f"line 2: {kind} another.example: this public key"):
            parse("\n".join([*lines, "quorum none", ""]))
    pq = MlDsa44CosignatureSigner("another.example", ml_dsa_key("w4")).vkey.encode()
    with pytest.raises(MalformedPolicy, match="this public key has a witness line already"):
        parse(f"witness a {W4}\nwitness b {pq}\nquorum none\n")


def test_a_log_may_sign_with_two_keys() -> None:
    assert [line.vkey.name for line in parse(THREE).logs] == [ORIGIN, ORIGIN]


def test_two_keys_of_one_name_and_key_id_are_refused() -> None:
    """A collision of 32 bits is quickly found; then a signature line would name two keys."""
    first, second = json.loads((VECTORS / "colliding-vkeys.json").read_text())["vkeys"]
    assert parse_vkey(first).key_id == parse_vkey(second).key_id
    for lines in (f"log {first}\nlog {second}\n", f"witness a {first}\nwitness b {second}\n"):
        with pytest.raises(MalformedPolicy, match=r"line 2: .*another key has the same name and key ID"):
            parse(lines + "quorum none\n")


def test_32_logs_witnesses_and_groups_and_many_more() -> None:
    """tlog-policy "Implementation limits"; a thousand nested groups do not exhaust the stack."""
    keys = [ed25519_key(f"many{i}") for i in range(32)]
    logs = [f"log {Ed25519Signer(f'log{i}', key).vkey.encode()}" for i, key in enumerate(keys)]
    witnesses = [f"witness w{i} {Ed25519CosignatureSigner(f'w{i}', key).vkey.encode()}" for i, key in enumerate(keys)]
    groups = ["group g0 all " + " ".join(f"w{i}" for i in range(32))]
    groups += [f"group g{i} any g{i - 1}" for i in range(1, 2000)]
    policy = parse("\n".join([*logs, *witnesses, *groups, "quorum g1999", ""]))
    everyone = {b"w%d" % i for i in range(32)}
    assert policy.quorum_met(everyone)
    assert not policy.quorum_met(everyone - {b"w17"})


def test_an_oversized_file_is_refused() -> None:
    with pytest.raises(MalformedPolicy, match="more than"):
        parse_policy(b"#" * MAX_POLICY_BYTES + b"\n")


@pytest.mark.parametrize("url", ["", "a b", "a\tb", "a\nb", "a\x7f", "\ud800"])
def test_a_url_that_is_no_field_cannot_be_put_in(url: str) -> None:
    with pytest.raises(MalformedPolicy):
        Policy((LogLine(LOG.vkey, url),), ())


@pytest.mark.parametrize("name", [b"", b"a b", b"a\tb", b"a\n", b"\x7f", b"none"])
def test_a_name_that_is_no_field_cannot_be_put_in(name: bytes) -> None:
    with pytest.raises(MalformedPolicy):
        Policy((), (WitnessLine(name, WITNESSES[0].vkey),))


def test_a_group_without_members_cannot_be_put_in() -> None:
    with pytest.raises(MalformedPolicy, match="has no members"):
        Policy((), (), (Group(b"g", 0, ()),))


def test_a_key_name_that_a_policy_cannot_hold() -> None:
    with pytest.raises(MalformedPolicy, match="control characters"):
        Policy((LogLine(VKey("a\x7f", SignatureType.ED25519, LOG.vkey.public_key)),), ())
