"""Evidence whose last checkpoint is another: wrong text, wrong lines, wrong signatures."""

from __future__ import annotations

from base64 import b64decode as base64_bytes
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.client.material import LOG, TIME, WITNESSES, seed
from tests.merkle import oracle
from tests.web.mangled_files import GOOD, with_
from tests.web.material import SIZE, leaf, note, tree
from tlog.audit.evidence import Evidence
from tlog.errors import Malformed
from tlog.formats.checkpoint import Checkpoint, parse_checkpoint
from tlog.formats.cosignature import subtree_message
from tlog.formats.encoding import b64encode
from tlog.formats.note import Signature


def changed_notes() -> Iterator[tuple[str, Evidence]]:
    """Yield evidence whose last checkpoint is another, signed and cosigned as far as anybody would."""
    leaf_hashes = tree(SIZE, leaf(GOOD.entries[0].disclosures))
    good, root = note(leaf_hashes, {0: 10, 1: 11, 2: 12}), b64encode(oracle.mth(leaf_hashes))
    origin = GOOD.origin
    for text in (
        f"{origin}\n{SIZE}\n{root}\nan extension\n",
        f"{origin}\n0{SIZE}\n{root}\n",
        f"{origin}\n{2**63}\n{root}\n",
        f"{origin}\n+{SIZE}\n{root}\n",
        f"{origin}\n{SIZE}\n{root}=\n",
        f"{origin}\n{SIZE}\n{root}\n\n",
        f"{origin}\n{SIZE}\n",
        f"{origin} \n{SIZE}\n{root}\n",
        f"other\n{SIZE}\n{root}\n",
        f"\ufeff{origin}\n{SIZE}\n{root}\n",
        f"{origin}\n{SIZE}\n{root}\n\x7f\u2028\n",
    ):
        signed = LOG.ed25519.sign(text)
        lines = [signed.line(), *(WITNESSES[i].cosign(_parsable(text), TIME).line() for i in (0, 1))]
        yield f"the checkpoint {text!r}", _noted(text + "\n" + "".join(lines))
    head, _, tail = good.partition("\n\n")
    lines = tail.splitlines(keepends=True)
    for what, changed in {
        "no signatures": head + "\n\n",
        "no empty line": head + "\n" + tail,
        "only the log": f"{head}\n\n{lines[0]}",
        "only the log's ML-DSA": f"{head}\n\n{lines[1]}{lines[2]}{lines[3]}",
        "no log": f"{head}\n\n{''.join(lines[2:])}",
        "a line twice": good + lines[0],
        "no newline at the end": good[:-1],
        "an empty line at the end": good + "\n",
        "a carriage return": good.replace("\n\n", "\r\n\n"),
        "a tab": good.replace(lines[0], lines[0].replace(" ", "\t", 1)),
        "a minus for the dash": good.replace("\u2014", "-", 1),
        "two spaces": good.replace("\u2014 ", "\u2014  ", 1),
        "a space at the end of a line": good.replace("\n", " \n", 1),
        "the name only": good.replace(lines[2], "\u2014 w1.example\n"),
        "an empty value": good.replace(lines[2], "\u2014 w1.example \n"),
        "four bytes": good.replace(lines[2], f"\u2014 w1.example {b64encode(b'abcd')}\n"),
        "an unknown key": good + f"\u2014 somebody {b64encode(b'abcde')}\n",
        "NEL in a name": good + f"\u2014 some\x85body {b64encode(b'abcde')}\n",
        "a no-break space in a name": good + f"\u2014 some\xa0body {b64encode(b'abcde')}\n",
        "a byte order mark in a name": good + f"\u2014 some\ufeffbody {b64encode(b'abcde')}\n",
        "a plus in a name": good + f"\u2014 some+body {b64encode(b'abcde')}\n",
        "a byte order mark": "\ufeff" + good,
        "signatures of the other checkpoint": head + "\n\n" + GOOD.checkpoints[0].partition("\n\n")[2],
    }.items():
        yield what, _noted(changed)
    yield "an ML-DSA cosignature without a time", _noted(good.replace(lines[4], without_time(leaf_hashes)))
    yield "an Ed25519 signature with another S", _noted(good.replace(lines[0], other_scalar(lines[0])))
    yield "an Ed25519 cosignature with another S", _noted(good.replace(lines[2], other_scalar(lines[2])))
    for i, line in enumerate(lines):
        value = base64_bytes(line.rsplit(" ", 1)[1])
        for at in (0, 4, 11, 12, len(value) - 1):
            wrong = b64encode(value[:at] + bytes([value[at] ^ 0x40]) + value[at + 1 :])
            yield f"line {i}, byte {at}", _noted(good.replace(line, line.rsplit(" ", 1)[0] + f" {wrong}\n"))
        for cut in (value[:-1], value + b"\0", value[:6]):
            changed = line.rsplit(" ", 1)[0] + f" {b64encode(cut)}\n"
            yield f"line {i}, {len(cut)} bytes", _noted(good.replace(line, changed))


def without_time(leaf_hashes: Sequence[bytes]) -> str:
    """Return a cosignature of the third witness with the timestamp 0: it verifies, and counts for nothing."""
    name, root = WITNESSES[2].vkey.name, oracle.mth(leaf_hashes)
    key = MLDSA44PrivateKey.from_seed_bytes(seed("w3"))
    signature = key.sign(subtree_message(name, 0, GOOD.origin, 0, len(leaf_hashes), root))
    return Signature(name, WITNESSES[2].vkey.key_id, bytes(8) + signature).line()


def other_scalar(line: str) -> str:
    """Return an Ed25519 signature line whose S is larger by the order of the group: RFC 8032 has it refused."""
    order = 2**252 + 27742317777372353535851937790883648493
    head, encoded = line.rsplit(" ", 1)
    value = base64_bytes(encoded)
    scalar = int.from_bytes(value[-32:], "little") + order
    return f"{head} {b64encode(value[:-32] + scalar.to_bytes(32, 'little'))}\n"


def _parsable(text: str) -> str:
    """Witnesses cosign checkpoints only; where a text is none, they cosign another, which proves nothing here."""
    try:
        parse_checkpoint(text)
    except Malformed:
        return Checkpoint(GOOD.origin, SIZE, bytes(32)).text()
    return text


def _noted(text: str) -> Evidence:
    return with_(checkpoints=[GOOD.checkpoints[0], text])
