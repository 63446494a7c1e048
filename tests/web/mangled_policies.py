"""Policy files for the evidence of `mangled_files`, good and bad."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from tests.client.material import LOG, OTHER_LOG, WITNESSES
from tests.client.material import policy as policy_of
from tlog.formats.encoding import b64encode
from tlog.formats.policy import encode_policy

POLICY = encode_policy(policy_of())
W1, W2, W3 = (witness.vkey.encode() for witness in WITNESSES)
LOG_LINE = f"log {LOG.ed25519.vkey.encode()}\n"
WITNESS_LINES = f"witness w1 {W1}\nwitness w2 {W2}\nwitness w3 {W3}\n"


def policies() -> Iterator[str | bytes]:
    """Yield policy files, good and bad."""
    small = _vkey("small", bytes(32))
    yield POLICY
    yield LOG_LINE + WITNESS_LINES + "quorum none\n"
    for group in ("all", "any", "1", "2", "3", "0", "4", "02", "two", "-1", "99999999999999999999"):
        yield LOG_LINE + WITNESS_LINES + f"group q {group} w1 w2 w3\nquorum q\n"
    nested = "group a all w1 w2\ngroup b any a w3\nquorum b\n"
    yield LOG_LINE + WITNESS_LINES + nested
    yield LOG_LINE + WITNESS_LINES + nested.replace("quorum b", "quorum a")
    yield LOG_LINE + WITNESS_LINES + "quorum w2\n"
    for end in (
        *("", "quorum q\n", "quorum none\nquorum none\n", "quorum none", "quorum none none\n", "quorum\n"),
        *(
            "group q 1 w1 w1\nquorum q\n",
            "group q 1 w9\nquorum q\n",
            "group q 1\nquorum q\n",
            "group w1 1 w2\nquorum w1\n",
        ),
        *("group none 1 w1\nquorum none\n", "group q 1 q\nquorum q\n", "Quorum none\n", "quorum none # why\n"),
        *("\t quorum \t none \t\n", "# a comment\n\n \t\nquorum none\n", "quorum none\r\n", "quorum none\n\x0b\n"),
        *("quorum none\n\x7f\n", "quorum none\n#\xe9\n", "quorum none\n\0", f"witness w4 {W1}\nquorum none\n"),
        *(f"witness w1 {W2}\nquorum none\n", f"witness none {W1}\nquorum none\n", "witness w4\nquorum none\n"),
        *(f"witness w4 {LOG.ed25519.vkey.encode()}\nquorum none\n", f"{LOG_LINE}quorum none\n"),
        *(f"witness w4 {OTHER_LOG.ml_dsa_44.vkey.encode()} https://x.example\nquorum w4\n",),
        *(
            f"log {W1}\nquorum none\n",
            f"log {W1} u r\nquorum none\n",
            f"log {LOG.ml_dsa_44.vkey.encode()} u\nquorum none\n",
        ),
        *(f"witness w4 {small}\nquorum none\n", f"witness w4 {W1[:-1]}\nquorum none\n"),
        *("witness w4 w4+00000000+BAAA\nquorum none\n", "log x\nquorum none\n", "log x+y\nquorum none\n"),
    ):
        yield LOG_LINE + WITNESS_LINES + end
    yield WITNESS_LINES + "quorum none\n"
    yield f"log {OTHER_LOG.ed25519.vkey.encode()}\n" + WITNESS_LINES + "quorum none\n"
    yield f"log {OTHER_LOG.ed25519.vkey.encode()}\n" + LOG_LINE + "quorum none\n"
    yield f"log {LOG.ml_dsa_44.vkey.encode()}\n" + WITNESS_LINES + "group q 2 w1 w2 w3\nquorum q\n"
    octets = (LOG_LINE + WITNESS_LINES.replace("w1 ", "\udcff\udc80 ", 1)).encode("utf-8", "surrogateescape")
    yield octets + b"quorum \xff\x80\n"
    yield octets + b"quorum \xff\n"
    yield b"log \xff+00000000+AAAA\nquorum none\n"
    yield LOG_LINE + f"log {LOG.ed25519.vkey.encode()} \xe9\xff\nquorum none\n"
    for key in weak_keys():
        yield LOG_LINE + f"witness w {key}\nquorum none\n"
    yield "# \n" * 300_000
    yield from mangled_vkeys()


def weak_keys() -> Iterator[str]:
    """Keys of small order, none of the curve, and not canonical; in the order, one good key."""
    p = 2**255 - 19
    order_8 = int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    )
    for y in (0, 1, p - 1, order_8, p - order_8, p, p + 1, 2, 3, 4, 2**255 - 1, 7):
        for sign in (0, 1):
            yield _vkey("weak", (y | sign << 255).to_bytes(32, "little"))


def _vkey(name: str, public_key: bytes, kind: int = 4) -> str:
    data = bytes([kind]) + public_key
    key_id = sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return f"{name}+{key_id}+{b64encode(data)}"


def mangled_vkeys() -> Iterator[str]:
    key = WITNESSES[0].vkey.public_key
    for name in ("", "a b", "a\u00a0b", "a\u0085b", "a\ufeffb", "\u00e9", "x" * 256):
        yield LOG_LINE + f"witness w {_vkey(name, key)}\nquorum none\n"
    for kind in (0, 1, 2, 4, 5, 6, 255):
        yield LOG_LINE + f"witness w {_vkey('w', key, kind)}\nquorum none\n"
    yield LOG_LINE + f"witness w {_vkey('w', key[:-1])}\nquorum none\n"
    yield LOG_LINE + f"witness w {_vkey('x' * 256, WITNESSES[2].vkey.public_key, 6)}\nquorum none\n"
    yield LOG_LINE + f"witness w {_vkey('x' * 255, WITNESSES[2].vkey.public_key, 6)}\nquorum none\n"
    good = _vkey("w", key)
    for changed in (
        good.upper(),
        good.replace("+", "-"),
        good + "=",
        good + "AAAA",
        good[:-2],
        re.sub("[+].*?[+]", "+0+", good),
    ):
        yield LOG_LINE + f"witness w {changed}\nquorum none\n"
