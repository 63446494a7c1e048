"""Write the test vectors of docs/spec-leaf.md: `python -m tests.audit.make_vectors`.

All but entries.json, which is kept by hand. Everything comes from the slow transcription in `naive.py`, nothing from
tlog.audit. `test_vectors.py` fails if the files are not what this writes, or if tlog.audit does not behave as they say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.audit import naive

FOLDER = Path(__file__).parent / "vectors"
RECEIVED_AT = "2026-03-01T09:30:07.500000Z"
RECEIVED_MICROSECONDS = 1_772_357_407_500_000
ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"

_LEAST = (
    '{"schema":1,"id":"%s","source":"shop","seq":0,"occurred_at":"2026-03-01T09:30:07Z",'
    '"actor":{"type":"service","id":"billing"},"action":"login","outcome":"denied","purpose":"operation"%s}'
)
_FULL = """{"schema": 1, "id": "%s", "source": "ehr-frontend", "seq": 4211, "crud": "read",
 "occurred_at": "2026-03-01T09:30:07.123456Z", "action": "patient.record.read", "outcome": "allowed",
 "purpose": "treatment", "legal_basis": "GDPR Art. 9(2)(h)", "retention": "medical",
 "authorization": {"policy": "care-team", "decision_id": "dec-991", "granted_by": "ward-lead"},
 "actor": {"type": "employee", "id": "emp-0042", "name": "Dr. Zo\\u00eb \\"Z\\" M\u00fcller", "role": "physician",
  "organization": "Clinic/1", "ip": "2001:db8::1", "user_agent": "Browser/1.0", "session": "s-77"},
 "targets": [{"type": "record", "id": "rec-7731", "name": "lab results"}, {"id": "rec-7732", "type": "record"}],
 "subjects": [{"id": "pat-1207", "data": { "ward" : "B2", "rate":1.50 }}, {"id": "pat-3001"}],
 "correlation": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "request_id": "r-1"},
 "details": {"rows": 12,  "note":"caf\\u00e9 \u2615", "big": 123456789012345678901234567890}}"""

SEALS: list[tuple[str, str, dict[str, str]]] = [
    ("the least entry: no subject, no shared part", _LEAST % (ID, ""), {}),
    (
        "nulls, empty groups and arrays are absent",
        _LEAST % (ID, ',"targets":[],"subjects":[],"crud":null,"authorization":{}'),
        {},
    ),
    ("a shared part without subjects: empty key material", _LEAST % (ID, ',"details":{}'), {"details": "{}"}),
    ("one subject, no shared part", _LEAST % (ID, ',"subjects":[{"id":"c-1"}]'), {}),
    (
        "every field, two subjects, white space, escapes and numbers kept as they came",
        _FULL % ID,
        {
            "details": '{"rows": 12,  "note":"caf\\u00e9 \u2615", "big": 123456789012345678901234567890}',
            "subjects[0].data": '{ "ward" : "B2", "rate":1.50 }',
        },
    ),
]


def counting(start: int = 0) -> Callable[[int], bytes]:
    """Stand-in for randomness: SHA-256 of "vector 0", "vector 1", … one after another."""
    stream = b"".join(hashlib.sha256(f"vector {number}".encode()).digest() for number in range(start, start + 20))
    place = 0

    def draw(size: int) -> bytes:
        nonlocal place
        place += size
        return stream[place - size : place]

    return draw


def key(name: str) -> bytes:
    return hashlib.sha256(f"vector key {name}".encode()).digest()


def seal_case(desc: str, text: str, raw: dict[str, str]) -> tuple[dict[str, Any], naive.NaiveSealed]:
    entry = json.loads(text)
    subjects = [key(f"subject {number}") for number in range(len(entry.get("subjects", [])))]
    fields = naive.fields_of(entry, RECEIVED_AT, raw)
    sealed = naive.seal(fields, ID, key("cohort"), key("actor"), subjects, counting())
    case = {
        "desc": desc,
        "entry": text,
        "receivedAt": RECEIVED_AT,
        "receivedAtMicroseconds": RECEIVED_MICROSECONDS,
        "random": counting()(44 * len(sealed.parts)).hex(),
        "cohortKey": key("cohort").hex(),
        "actorKey": key("actor").hex(),
        "subjectKeys": [each.hex() for each in subjects],
        "parts": [part_case(part) for part in sealed.parts],
        "leaf": sealed.leaf.hex(),
    }
    return case, sealed


def part_case(part: naive.NaivePart) -> dict[str, Any]:
    return {
        "label": part.label,
        "inputKeyMaterial": part.ikm.hex(),
        "context": part.context.hex(),
        "key": part.key.hex(),
        "secret": part.secret.hex(),
        "nonce": part.nonce.hex(),
        "fields": [
            {"name": name, "value": value, "salt": salt.hex(), "disclosure": text, "digest": digest.hex()}
            for (name, value), salt, text, digest in zip(
                part.fields, part.salts, part.disclosures, part.digests, strict=True
            )
        ],
        "plaintext": part.plaintext.hex(),
        "stored": part.stored.hex(),
    }


def open_cases(sealed: naive.NaiveSealed) -> list[dict[str, Any]]:
    """Cases of opening the entry with every field."""
    whole = {part.label: part.stored for part in sealed.parts}
    erased = {part.label: b"\x02" + b"".join(sorted(part.digests)) for part in sealed.parts}
    keys: dict[str, Any] = {
        "cohortKey": key("cohort").hex(),
        "actorKey": key("actor").hex(),
        "subjectKeys": [key("subject 0").hex(), key("subject 1").hex()],
    }
    no_subject_0 = {"subjectKeys": [None, key("subject 1").hex()]}
    other = {"subjectKeys": [key("subject 1").hex(), key("subject 0").hex()]}
    replaced = {label: erased[label] for label in ("subjects[0]", "shared")}
    core = sealed.parts[0]
    wide = core.plaintext.replace(b'"seq":4211', b'"seq": 4211')
    respaced = b"\x01" + core.nonce + AESGCM(core.key).encrypt(core.nonce, wide, core.context)
    doubled = naive.seal_part(
        "actor", [("actor.id", '"x"')], bytes.fromhex(ID.replace("-", "")), key("actor"), key("cohort"), counting(40)
    )
    unordered = b"\x02" + erased["actor"][33:] + erased["actor"][1:33]
    cases: list[tuple[str, dict[str, bytes], dict[str, Any], list[str], str | None]] = [
        ("all parts and keys", {}, {}, [], None),
        ("subject 0 and shared erased, the key destroyed", replaced, no_subject_0, ["subjects[0]", "shared"], None),
        ("actor erased", {"actor": erased["actor"]}, {"actorKey": None}, ["actor"], None),
        ("everything erased", erased, {"cohortKey": None}, list(erased), None),
        ("a key destroyed while its part is not erased", {}, no_subject_0, [], "DecryptionFailed"),
        ("subject keys exchanged", {}, other, [], "DecryptionFailed"),
        ("one bit of a tag changed", {"core": flip(whole["core"], -1)}, {}, [], "DecryptionFailed"),
        ("one bit of a nonce changed", {"core": flip(whole["core"], 1)}, {}, [], "DecryptionFailed"),
        ("unknown container", {"core": b"\x03" + whole["core"][1:]}, {}, [], "DecryptionFailed"),
        ("empty part", {"core": b""}, {}, [], "DecryptionFailed"),
        ("a part in another's place", {"subjects[0]": whole["subjects[1]"]}, {}, [], "DecryptionFailed"),
        ("one bit of an erased part's digest changed", {"actor": flip(erased["actor"], 1)}, {}, [], "LeafMismatch"),
        ("digests of another part", {"actor": erased["shared"]}, {}, [], "LeafMismatch"),
        ("a well-formed part with other content", {"actor": doubled.stored}, {}, [], "LeafMismatch"),
        ("digests not in order", {"actor": unordered}, {}, [], "MalformedDisclosure"),
        ("a digest cut short", {"actor": erased["actor"][:-1]}, {}, [], "MalformedDisclosure"),
        ("no digest", {"actor": b"\x02"}, {}, [], "MalformedDisclosure"),
        ("white space in a plaintext", {"core": respaced}, {}, [], "MalformedDisclosure"),
    ]  # fmt: skip
    return [
        {
            "desc": desc,
            "id": ID,
            "leaf": sealed.leaf.hex(),
            **keys,
            **key_changes,
            "parts": {label: part.hex() for label, part in (whole | changes).items()},
            "erased": erased_labels,
            "wantErr": error,
        }
        for desc, changes, key_changes, erased_labels, error in cases
    ]


def flip(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def disclosure_cases(sealed: naive.NaiveSealed) -> list[dict[str, Any]]:
    """Cases of verifying disclosures against a leaf without any key."""
    texts = [text for part in sealed.parts for text in part.disclosures]
    digests = [digest for part in sealed.parts for digest in part.digests]
    names = [name for part in sealed.parts for name, _ in part.fields]
    values = {name: value for part in sealed.parts for name, value in part.fields}
    by_name = dict(zip(names, texts, strict=True))
    salt = naive.base64url(bytes(16))

    def made(text: str) -> str:
        return naive.base64url(text.encode())

    double = [made(f'["{salt}","actor.id",{value}]') for value in ('"a"', '"b"')]
    double_leaf = naive.leaf([hashlib.sha256(text.encode()).digest() for text in double])
    cases: list[tuple[str, list[str], list[bytes], bytes, str | None]] = [
        ("all disclosed", texts, [], sealed.leaf, None),
        ("two disclosed", texts[3:5], digests[:3] + digests[5:], sealed.leaf, None),
        ("none disclosed", [], digests[::-1], sealed.leaf, None),
        ("one digest missing", texts[3:5], digests[:3] + digests[6:], sealed.leaf, "LeafMismatch"),
        ("one digest too many", texts, [bytes(32)], sealed.leaf, "LeafMismatch"),
        ("a digest twice", texts[1:], [digests[0], digests[1]], sealed.leaf, "LeafMismatch"),
        ("a digest of 31 bytes", texts[1:], [digests[0][:31]], sealed.leaf, "LeafMismatch"),
        ("another leaf", texts, [], flip(sealed.leaf, 0), "LeafMismatch"),
        ("nothing", [], [], sealed.leaf, "LeafMismatch"),
        ("one name twice, though it hashes to the leaf", double, [], double_leaf, "MalformedDisclosure"),
    ]
    wrong = {
        "padding": made(f'["{salt}","seq",12]') + "=",
        "standard base64 alphabet": made(f'["{salt}","purpose","???>>>"]').replace("_", "/").replace("-", "+"),
        "final line end": made(f'["{salt}","seq",1]') + "\n",
        "white space after a comma": made(f'["{salt}", "seq",1]'),
        "escaped name": made(f'["{salt}","s\\u0065q",1]'),
        "salt of 15 bytes": made(f'["{salt[:20]}","seq",1]'),
        "salt with trailing bits": made(f'["{salt[:21]}B","seq",1]'),
        "four items": made(f'["{salt}","seq",1,2]'),
        "name with a capital": made(f'["{salt}","Seq",1]'),
        "number with a leading zero": made(f'["{salt}","seq",01]'),
        "a member twice in the value": made(f'["{salt}","details",{{"a":1,"a":2}}]'),
        "lone surrogate": made(f'["{salt}","purpose","\\ud800"]'),
        "nested 65 deep": made(f'["{salt}","details",' + "[" * 65 + "]" * 65 + "]"),
    }
    for desc, text in wrong.items():
        own_leaf = naive.leaf([hashlib.sha256(text.encode()).digest()])
        cases.append((desc, [text], [], own_leaf, "MalformedDisclosure"))
    return [
        {
            "desc": desc,
            "disclosures": disclosed,
            "otherDigests": [digest.hex() for digest in others],
            "leaf": leaf.hex(),
            "values": None if error else {name: values[name] for name in names if by_name[name] in disclosed},
            "wantErr": error,
        }
        for desc, disclosed, others, leaf, error in cases
    ]  # fmt: skip


def vectors() -> dict[str, list[dict[str, Any]]]:
    """The content of each file by its name."""
    sealed = [seal_case(*case) for case in SEALS]
    return {
        "seal.json": [case for case, _ in sealed],
        "open.json": open_cases(sealed[-1][1]),
        "disclosures.json": disclosure_cases(sealed[-1][1]),
    }


def text_of(cases: list[dict[str, Any]]) -> str:
    return json.dumps(cases, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, file_cases in vectors().items():
        (FOLDER / file_name).write_text(text_of(file_cases))
