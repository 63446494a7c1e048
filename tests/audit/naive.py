"""docs/spec-leaf.md written down a second time, step by step and slowly, sharing nothing with tlog.audit.

The oracle of the sealing tests and the maker of the vectors. Only the standard library's `hmac` and `base64`, and the
cryptography package's own HKDF and AES-GCM.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CORE = [
    "schema",
    "id",
    "source",
    "seq",
    "occurred_at",
    "action",
    "crud",
    "outcome",
    "purpose",
    "legal_basis",
    "retention",
]


@dataclass
class NaivePart:
    label: str
    ikm: bytes
    fields: list[tuple[str, str]]
    secret: bytes
    nonce: bytes
    context: bytes
    key: bytes
    plaintext: bytes
    stored: bytes
    salts: list[bytes]
    disclosures: list[str]
    digests: list[bytes]


@dataclass
class NaiveSealed:
    parts: list[NaivePart]
    leaf: bytes


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def leaf(digests: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"tlog-audit/v1 leaf\n" + b"".join(sorted(digests))).digest()


def group_fields(prefix: str, group: dict[str, Any] | None, names: str) -> list[tuple[str, str]]:
    return [
        (f"{prefix}.{name}", compact(group[name])) for name in names.split() if group and group.get(name) is not None
    ]


def fields_of(entry: dict[str, Any], received_at: str, raw: dict[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields of each part. `raw` holds the exact text of `details` and `subjects[i].data`, by those names."""
    document = {"retention": "standard"} | entry
    core = [(name, compact(document[name])) for name in CORE if document.get(name) is not None]
    core.append(("received_at", compact(received_at)))
    core += group_fields("authorization", entry.get("authorization"), "policy decision_id granted_by")
    actor = group_fields("actor", entry["actor"], "type id name role organization ip user_agent session")
    parts = [("core", core), ("actor", actor)]
    for index, subject in enumerate(entry.get("subjects", [])):
        value = '{"id":' + compact(subject["id"])
        if "data" in subject:
            value += ',"data":' + raw[f"subjects[{index}].data"]
        parts.append((f"subjects[{index}]", [(f"subjects[{index}]", value + "}")]))
    shared = []
    if entry.get("targets"):
        order = ("type", "id", "name")
        tidy = [{key: t[key] for key in order if t.get(key) is not None} for t in entry["targets"]]
        shared.append(("targets", compact(tidy)))
    if "details" in entry:
        shared.append(("details", raw["details"]))
    shared += group_fields("correlation", entry.get("correlation"), "trace_id request_id")
    return [*parts, ("shared", shared)] if shared else parts


def seal(  # noqa: PLR0917
    parts: list[tuple[str, list[tuple[str, str]]]],
    entry_id: str,
    cohort: bytes,
    actor: bytes,
    subjects: Sequence[bytes],
    draw: Callable[[int], bytes],
) -> NaiveSealed:
    sealed = []
    for label, fields in parts:
        if label == "core":
            ikm = b""
        elif label == "actor":
            ikm = actor
        elif label == "shared":
            ikm = b"".join(subjects)
        else:
            ikm = subjects[int(label[len("subjects[") : -1])]
        sealed.append(seal_part(label, fields, bytes.fromhex(entry_id.replace("-", "")), ikm, cohort, draw))
    return NaiveSealed(sealed, leaf([digest for part in sealed for digest in part.digests]))


def seal_part(  # noqa: PLR0917
    label: str,
    fields: list[tuple[str, str]],
    entry_id: bytes,
    ikm: bytes,
    cohort: bytes,
    draw: Callable[[int], bytes],
) -> NaivePart:
    secret = draw(32)
    nonce = draw(12)
    context = b"tlog-audit/v1 part\n" + label.encode() + b"\x00" + entry_id
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=cohort, info=context).derive(ikm)
    salts = [hmac.new(secret, name.encode(), "sha256").digest()[:16] for name, _ in fields]
    disclosures = [
        base64url(f'["{base64url(salt)}","{name}",{value}]'.encode())
        for salt, (name, value) in zip(salts, fields, strict=True)
    ]
    digests = [hashlib.sha256(text.encode("ascii")).digest() for text in disclosures]
    plaintext = secret + ("{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}").encode()
    stored = b"\x01" + nonce + AESGCM(key).encrypt(nonce, plaintext, context)
    return NaivePart(label, ikm, fields, secret, nonce, context, key, plaintext, stored, salts, disclosures, digests)
