"""The published vectors: they are what the slow transcription says, and tlog.audit behaves as they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.audit.make_vectors import FOLDER, text_of, vectors
from tests.audit.samples import labels_of, part_at, parts_of
from tlog import errors
from tlog.audit.entry import entry_faults, parse_entry
from tlog.audit.leaf import verify_disclosures
from tlog.audit.opened import OpenKeys, SealedParts, open_entry
from tlog.audit.seal import EntryKeys, seal


def load(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())
    return cases


def params(name: str) -> list[Any]:
    return [pytest.param(case, id=case["desc"]) for case in load(name)]


def optional_key(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def expected_error(case: dict[str, Any]) -> Any:
    return pytest.raises(getattr(errors, case["wantErr"]))


@pytest.mark.parametrize("name", ["seal.json", "open.json", "disclosures.json"])
def test_the_files_are_what_the_transcription_makes(name: str) -> None:
    assert (FOLDER / name).read_text() == text_of(vectors()[name])


@pytest.mark.parametrize("case", params("seal.json"))
def test_seal(case: dict[str, Any]) -> None:
    entry = parse_entry(case["entry"].encode())
    keys = EntryKeys(
        bytes.fromhex(case["cohortKey"]),
        bytes.fromhex(case["actorKey"]),
        tuple(map(bytes.fromhex, case["subjectKeys"])),
    )
    stream = iter(bytes.fromhex(case["random"]))
    sealed = seal(entry, case["receivedAtMicroseconds"], keys, lambda size: bytes(next(stream) for _ in range(size)))
    parts = parts_of(sealed)
    assert {part["label"]: part["stored"] for part in case["parts"]} == {
        label: part_at(parts, label).hex() for label in labels_of(parts)
    }
    assert sealed.leaf.hex() == case["leaf"]
    opened = open_entry(parts, OpenKeys(keys.cohort, keys.actor, keys.subjects))
    fields = [field for part in case["parts"] for field in part["fields"]]
    assert opened.disclosures == {field["name"]: field["disclosure"] for field in fields}
    assert opened.entry["received_at"] == case["receivedAt"]


@pytest.mark.parametrize("case", params("open.json"))
def test_open(case: dict[str, Any]) -> None:
    stored = {label: bytes.fromhex(part) for label, part in case["parts"].items()}
    subjects = tuple(part for label, part in stored.items() if label.startswith("subjects"))
    parts = SealedParts(
        bytes.fromhex(case["id"].replace("-", "")),
        bytes.fromhex(case["leaf"]),
        stored["core"],
        stored["actor"],
        subjects,
        stored.get("shared"),
    )
    keys = OpenKeys(
        optional_key(case["cohortKey"]), optional_key(case["actorKey"]), tuple(map(optional_key, case["subjectKeys"]))
    )
    if case["wantErr"]:
        with expected_error(case):
            open_entry(parts, keys)
    else:
        assert list(open_entry(parts, keys).erased) == case["erased"]


@pytest.mark.parametrize("case", params("disclosures.json"))
def test_disclosures(case: dict[str, Any]) -> None:
    others, leaf = [bytes.fromhex(each) for each in case["otherDigests"]], bytes.fromhex(case["leaf"])
    if case["wantErr"]:
        with expected_error(case):
            verify_disclosures(case["disclosures"], others, leaf)
    else:
        values = {name: json.loads(value) for name, value in case["values"].items()}
        assert verify_disclosures(case["disclosures"], others, leaf) == values


@pytest.mark.parametrize("case", params("entries.json"))
def test_entries(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"]) if "hex" in case else case["entry"].encode()
    assert [fault.path for fault in entry_faults(data)] == case["faults"]
