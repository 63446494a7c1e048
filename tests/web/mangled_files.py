"""Evidence with one thing wrong in each: what refers to what, hashes, disclosures."""

from __future__ import annotations

from base64 import b64decode as base64_bytes
from base64 import b64encode as base64_text
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.merkle import oracle
from tests.web.material import INDEX, SIZE, case, disclosed, leaf, note, tree
from tlog.audit.disclosure import digest
from tlog.audit.erased_part import ErasedPart
from tlog.audit.evidence import Evidence
from tlog.formats.encoding import b64encode
from tlog.merkle.hashing import EMPTY_ROOT

GOOD = case()
EMPTY = b64encode(EMPTY_ROOT)


def entry_with(**changed: Any) -> Evidence:
    return msgspec.structs.replace(GOOD, entries=[msgspec.structs.replace(GOOD.entries[0], **changed)])


def with_(**changed: Any) -> Evidence:
    return msgspec.structs.replace(GOOD, **changed)


def other(text: str) -> str:
    data = base64_bytes(text)
    return b64encode(bytes([data[0] ^ 1]) + data[1:])


def changed_files() -> Iterator[tuple[str, Evidence]]:
    """Yield evidence with one thing wrong each."""
    entry = GOOD.entries[0]
    shown, names = entry.disclosures, list(entry.disclosures)
    digests = [b64encode(digest(shown[name].encode())) for name in names]
    yield "nothing", GOOD
    yield "everything hidden", entry_with(disclosures={}, digests=digests)
    yield "nothing at all", entry_with(disclosures={}, digests=[])
    yield "a field hidden", GOOD.redacted(lambda name: name == "actor.id")
    yield "another origin", with_(origin="example.com/other")
    yield "no consistency", with_(consistency=[])
    yield "more consistency", with_(consistency=[*GOOD.consistency, []])
    yield "a changed consistency hash", with_(consistency=[[other(one) for one in GOOD.consistency[0]]])
    yield "a longer consistency proof", with_(consistency=[[*GOOD.consistency[0], GOOD.consistency[0][0]]])
    yield "a shorter consistency proof", with_(consistency=[GOOD.consistency[0][:-1]])
    yield "an empty consistency proof", with_(consistency=[[]])
    yield "checkpoints turned round", with_(checkpoints=GOOD.checkpoints[::-1])
    yield "a checkpoint twice", with_(checkpoints=[*GOOD.checkpoints, GOOD.checkpoints[1]], consistency=[[], []])
    yield "one checkpoint", with_(checkpoints=GOOD.checkpoints[1:], consistency=[])
    yield "an entry twice", with_(entries=[entry, entry])
    for index in (0, INDEX - 1, INDEX + 1, SIZE, 2**62, 2**63 - 1):
        yield f"index {index}", entry_with(index=index)
    for after in (None, 0, 1, SIZE, INDEX):
        yield f"after {after}", entry_with(after=after)
    yield "another size", entry_with(size=99)
    yield "another leaf", entry_with(leaf=other(entry.leaf))
    yield "a changed path", entry_with(inclusion=[other(entry.inclusion[0]), *entry.inclusion[1:]])
    yield "a shorter path", entry_with(inclusion=entry.inclusion[:-1])
    yield "a longer path", entry_with(inclusion=[*entry.inclusion, entry.inclusion[0]])
    yield "a path turned round", entry_with(inclusion=entry.inclusion[::-1])
    yield "a digest too many", entry_with(digests=[other(entry.leaf)])
    yield "a digest that is shown as well", entry_with(digests=[digests[0]])
    yield "a field too few", entry_with(disclosures={name: shown[name] for name in names[1:]})
    yield (
        "two fields under each other's names",
        entry_with(disclosures=shown | {"purpose": shown["action"], "action": shown["purpose"]}),
    )
    yield "one field under two names", entry_with(disclosures=shown | {"other": shown["action"]})
    yield "a name of no field", entry_with(disclosures={f"\u00e9{name}": text for name, text in shown.items()})
    gone = ErasedPart("actor", "01a20642-cbbc-728e-bf2b-3ea96f9ffe23")
    yield "erased, but everything is shown", entry_with(erasures=[gone])
    hidden = GOOD.redacted(lambda name: name == "purpose")
    yield (
        "erased, but shown",
        msgspec.structs.replace(hidden, entries=[msgspec.structs.replace(hidden.entries[0], erasures=[gone])]),
    )
    yield from _beside_the_empty_tree()
    for text in (
        "",
        "A",
        "AA==",
        other(entry.leaf)[:-1],
        f" {entry.leaf}",
        entry.leaf + "=",
        "é" * 44,
        entry.leaf + "A",
    ):
        yield f"a leaf spelt {text!r}", entry_with(leaf=text)
        yield f"a digest spelt {text!r}", entry_with(digests=[text])
        yield f"a path hash spelt {text!r}", entry_with(inclusion=[text])


def _beside_the_empty_tree() -> Iterator[tuple[str, Evidence]]:
    """Yield evidence whose older checkpoint has no leaves, with its own root hash and with another."""
    times = {0: 0, 1: 1, 2: 2}
    good = note([], times)
    other_root = note([], times, good.partition("\n\n")[0].replace(EMPTY, b64encode(bytes(32))) + "\n")
    for what, first, proof in (
        ("an empty tree before", good, []),
        ("an empty tree before, with a proof", good, GOOD.consistency[0]),
        ("an empty tree of another root before", other_root, []),
    ):
        yield (
            what,
            msgspec.structs.replace(entry_with(after=0), checkpoints=[first, GOOD.checkpoints[1]], consistency=[proof]),
        )


def changed_disclosures() -> Iterator[tuple[str, Evidence]]:
    """Yield evidence whose leaf is made of something that is no disclosure as it must be written."""
    salt = "AAAAAAAAAAAAAAAAAAAAAA"
    for data in (
        f'["{salt}","purpose","x"]',
        f'["{salt}","purpose", "x"]',
        f'["{salt}","purpose","x" ]',
        f'["{salt}","purpose",1,2]',
        f'["{salt}","purpose",1],[2]',
        f'["{salt}","purpose"]',
        f'["{salt}","purpose",]',
        f'["{salt[:-1]}B","purpose","x"]',
        f'["{salt}A","purpose","x"]',
        f'["{salt}","Purpose","x"]',
        f'["{salt}","subjects[00]","x"]',
        f'["{salt}","subjects[100]","x"]',
        f'["{salt}","subjects[10]","x"]',
        f'["{salt}","a.b.c","x"]',
        f'["{salt}","\\u0070urpose","x"]',
        f'["{salt}","purpose",{{"a":1,"a":2}}]',
        f'["{salt}","purpose",{{"a":1,"\\u0061":2}}]',
        f'["{salt}","purpose",{"[" * 64}{"]" * 64}]',
        f'["{salt}","purpose",{"[" * 65}{"]" * 65}]',
        f'["{salt}","purpose",1e400]',
        f'["{salt}","purpose",-1e308]',
        f'["{salt}","purpose",123456789012345678901234567890]',
        f'["{salt}","purpose",01]',
        f'["{salt}","purpose","\\ud800"]',
        f'["{salt}","purpose","\\ud83d\\ude00"]',
        f'["{salt}","purpose","a\tb"]',
        f'["{salt}","purpose","\x7f\u2028\\u0000"]',
        f'["{salt}","purpose",nulL]',
        f'["{salt}","purpose",null]',
        f'["{salt}","purpose",NaN]',
        f'["{salt}","purpose","x"]\n',
        f'\ufeff["{salt}","purpose","x"]',
    ):
        yield f"the disclosure {data!r}", _made_of(base64_text(data.encode()).decode().rstrip("="))
    whole = base64_text(f'["{salt}","purpose","xy"]'.encode()).decode()
    latin = base64_text(b'["' + salt.encode() + b'","purpose","\xe9"]').decode()
    for text in (whole, whole.rstrip("=") + "A", f"{whole.rstrip('=')}\n", "", "é", latin.rstrip("="), "Wy+/"):
        yield f"the disclosure spelt {text!r}", _made_of(text)


def _made_of(text: str) -> Evidence:
    """Return evidence that is good but for this disclosure in the place of `purpose`."""
    texts = disclosed() | {"purpose": text}
    own = leaf(texts)
    new, old = tree(SIZE, own), tree(4, own)
    entry = msgspec.structs.replace(
        GOOD.entries[0],
        leaf=b64encode(own),
        disclosures=texts,
        inclusion=[b64encode(one) for one in oracle.path(INDEX, new)],
    )
    times = {0: 0, 1: 1}
    return with_(
        entries=[entry],
        checkpoints=[note(old, times), note(new, times)],
        consistency=[[b64encode(one) for one in oracle.proof(4, new)]],
    )
