"""The entry format: what is accepted, what is refused, and that refusals name everything and quote nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.audit.samples import DOCUMENT, PERSONAL, encoded, sample_entry
from tests.audit.strategies import Sample, json_values, samples
from tlog.audit.entry import JSON, MAX_ENTRY_BYTES, NDJSON, Actor, Entry, entry_faults, parse_entries, parse_entry
from tlog.audit.entry import _accept as fast_path
from tlog.errors import EntryInvalid


def paths(data: bytes) -> list[str]:
    return [fault.path for fault in entry_faults(data)]


def message(data: bytes) -> str:
    with pytest.raises(EntryInvalid) as refusal:
        parse_entry(data)
    return str(refusal.value)


def test_a_full_entry_is_read_as_it_stands() -> None:
    entry = sample_entry()
    assert entry.actor == Actor(type="employee", id="emp-0042", name="Dr. Ada Muster", ip="10.1.2.3", session="s-77")
    assert entry.retention == "standard"
    assert json.loads(msgspec.json.encode(entry)) == DOCUMENT


def test_the_least_entry_is_enough() -> None:
    optional = dict.fromkeys(
        ["crud", "legal_basis", "authorization", "targets", "subjects", "correlation", "details"], ...
    )
    entry = sample_entry(**optional)
    assert (entry.targets, entry.subjects, entry.details) == ((), (), msgspec.UNSET)


def test_a_missing_id_is_made_and_a_given_one_kept() -> None:
    made = "0190aaaa-0000-7000-8000-000000000001"
    assert parse_entry(encoded(id=...), lambda: made).id == made
    assert parse_entry(encoded(), lambda: made).id == DOCUMENT["id"]
    fresh = parse_entry(encoded(id=...)).id
    assert fresh[14] == "7"
    assert paths(encoded(id=fresh)) == []


def test_null_means_absent_for_optional_scalars_and_groups() -> None:
    entry = sample_entry(legal_basis=None, authorization=None, correlation=None, crud=None)
    assert (entry.legal_basis, entry.authorization, entry.correlation, entry.crud) == (None, None, None, None)


def test_free_objects_keep_their_bytes() -> None:
    text = b'{ "b" :1.50,\n"a": "\\u00e9" }'
    data = encoded(details="@").replace(b'"@"', text)
    entry = parse_entry(data)
    assert isinstance(entry.details, msgspec.Raw)
    assert bytes(entry.details) == text


WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("another schema", {"schema": 2}, ["schema"]),
    ("schema as text", {"schema": "1"}, ["schema"]),
    ("schema as a fraction", {"schema": 1.0}, ["schema"]),
    ("schema as a boolean", {"schema": True}, ["schema"]),
    ("id in capitals", {"id": "019A52C8-2F64-7D1C-A3B8-5C0E9F7D2B11"}, ["id"]),
    ("id of version 4", {"id": "019a52c8-2f64-4d1c-a3b8-5c0e9f7d2b11"}, ["id"]),
    ("id without hyphens", {"id": "019a52c82f647d1ca3b85c0e9f7d2b11"}, ["id"]),
    ("id with a line end", {"id": "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11\n"}, ["id"]),
    ("id null", {"id": None}, ["id"]),
    ("id empty", {"id": ""}, ["id"]),
    ("source with a slash", {"source": "a/b"}, ["source"]),
    ("source too long", {"source": "a" * 65}, ["source"]),
    ("seq below 0", {"seq": -1}, ["seq"]),
    ("seq too large", {"seq": 2**63}, ["seq"]),
    ("seq as text", {"seq": "5"}, ["seq"]),
    ("seq as a fraction", {"seq": 5.0}, ["seq"]),
    ("time without Z", {"occurred_at": "2026-03-01T09:30:07"}, ["occurred_at"]),
    ("time with an offset", {"occurred_at": "2026-03-01T09:30:07+00:00"}, ["occurred_at"]),
    ("time with small z", {"occurred_at": "2026-03-01T09:30:07z"}, ["occurred_at"]),
    ("time with seven decimals", {"occurred_at": "2026-03-01T09:30:07.1234567Z"}, ["occurred_at"]),
    ("time with a bare point", {"occurred_at": "2026-03-01T09:30:07.Z"}, ["occurred_at"]),
    ("30 February", {"occurred_at": "2026-02-30T09:30:07Z"}, ["occurred_at"]),
    ("29 February 2025", {"occurred_at": "2025-02-29T09:30:07Z"}, ["occurred_at"]),
    ("hour 24", {"occurred_at": "2026-03-01T24:00:00Z"}, ["occurred_at"]),
    ("leap second", {"occurred_at": "2016-12-31T23:59:60Z"}, ["occurred_at"]),
    ("year 0", {"occurred_at": "0000-01-01T00:00:00Z"}, ["occurred_at"]),
    ("Arabic digits", {"occurred_at": "٢026-03-01T09:30:07Z"}, ["occurred_at"]),
    ("actor missing", {"actor": ...}, ["actor"]),
    ("actor null", {"actor": None}, ["actor"]),
    ("actor empty", {"actor": {}}, ["actor.type", "actor.id"]),
    ("actor a list", {"actor": []}, ["actor"]),
    ("actor.ip no address", {"actor": {"type": "t", "id": "i", "ip": "localhost"}}, ["actor.ip"]),
    ("actor.id empty", {"actor": {"type": "t", "id": ""}}, ["actor.id"]),
    ("actor.id too long", {"actor": {"type": "t", "id": "é" * 513}}, ["actor.id"]),
    ("actor.id on two lines", {"actor": {"type": "t", "id": "a\nb"}}, ["actor.id"]),
    ("actor.name with DEL", {"actor": {"type": "t", "id": "i", "name": "a\x7f"}}, ["actor.name"]),
    ("action with capitals", {"action": "Patient.read"}, ["action"]),
    ("action with an empty segment", {"action": "patient..read"}, ["action"]),
    ("action too long", {"action": "a" * 129}, ["action"]),
    ("unknown outcome", {"outcome": "maybe"}, ["outcome"]),
    ("unknown crud", {"crud": "exec"}, ["crud"]),
    ("purpose empty", {"purpose": ""}, ["purpose"]),
    ("purpose on two lines", {"purpose": "a\u0000"}, ["purpose"]),
    ("retention with a space", {"retention": "a b"}, ["retention"]),
    ("513 targets", {"targets": [{"type": "t", "id": "i"}] * 513}, ["targets"]),
    ("targets null", {"targets": None}, ["targets"]),
    ("65 subjects", {"subjects": [{"id": str(n)} for n in range(65)]}, ["subjects"]),
    ("one subject twice", {"subjects": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}, ["subjects[2].id"]),
    ("one subject twice, escaped", {"subjects": [{"id": "é"}, {"id": "é"}]}, ["subjects[1].id"]),
    ("subject data a list", {"subjects": [{"id": "a", "data": []}]}, ["subjects[0].data"]),
    ("details null", {"details": None}, ["details"]),
    ("details a string", {"details": "{}"}, ["details"]),
    ("unknown fields", {"extra": 1, "actor": {"type": "t", "id": "i", "mail": 2}}, ["extra", "actor.mail"]),
    ("target with a line end", {"targets": [{"type": "t", "id": "i", "name": "\r"}]}, ["targets[0].name"]),
]


@pytest.mark.parametrize(("changes", "expected"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_each_fault_is_named_by_its_path(changes: dict[str, Any], expected: list[str]) -> None:
    data = encoded(**changes)
    assert paths(data) == expected
    with pytest.raises(EntryInvalid):
        parse_entry(data)


def test_all_faults_are_listed_not_the_first() -> None:
    assert paths(b'{"seq":-1,"actor":{"id":7},"subjects":[{"id":"a"},{},{"id":"a"}],"colour":1}') == [
        "colour",
        "schema",
        "source",
        "seq",
        "occurred_at",
        "actor.type",
        "actor.id",
        "action",
        "outcome",
        "purpose",
        "subjects[1].id",
        "subjects[2].id",
    ]


NOT_JSON = [
    (b"", "empty"),
    (b'{"schema":1', "end of data at line 1 column 12"),
    (b'{"schema":1,\n"seq":01}', "line 2 column"),
    (b"\xef\xbb\xbf{}", "not JSON"),
    (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
    (b'{"details":{"a":"\\ud800"}}', "surrogate"),
    (b'{"details":{"a":1e999}}', "infinity"),
    (b'{"details":{"a":NaN}}', "not JSON"),
    (b'{"details":' + b"[" * 64 + b"]" * 64 + b"}", "nested deeper than 64"),
    (b'{"details":' + b"[" * 5000 + b"]" * 5000 + b"}", "depth limit"),
    (b'{"details":1,"details":' + b"[" * 900 + b"]" * 900 + b',"details":1}', "nested deeper than 64"),
    (b"{} {}", "after document"),
    (b"null", "expected an object, got null"),
    (b"[1]", "expected an object, got an array"),
]


@pytest.mark.parametrize(("data", "expected"), NOT_JSON)
def test_what_is_not_acceptable_json_says_where(data: bytes, expected: str) -> None:
    assert expected in message(data)


def test_depth_64_is_still_accepted_and_brackets_in_strings_do_not_count() -> None:
    deep = json.loads("[" * 62 + "]" * 62)
    sample_entry(details={"a": deep})
    sample_entry(details={"a": '"[{' * 100})
    assert paths(encoded(details={"a": [deep]})) == [""]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"seq": 4211', '"seq": 4211, "seq": 4211', "seq: given 2 times"),
        ('"seq": 4211', '"seq": 4211, "s\\u0065q": 4212', "seq: given 2 times"),
        ('"type": "employee"', '"type" : "x", "type": "employee"', "actor.type: given 2 times"),
        ('"rows": 12', '"rows": 12, "rows": 13', "details: an object names the same field twice"),
        ('"rows": 12', '"rows": {"a": [{"b":":", "b":":"}]}', "details: an object names the same field twice"),
        ('"ward": "B2"', '"ward": ":", "ward" :":"', "subjects[0].data: an object names the same field twice"),
    ],
)
def test_a_field_given_twice_is_refused_at_any_depth(old: str, new: str, expected: str) -> None:
    text = encoded().decode()
    assert old in text
    assert message(text.replace(old, new).encode()) == expected


def test_the_size_limit_is_on_the_bytes_of_one_entry() -> None:
    padded = encoded() + b" " * (MAX_ENTRY_BYTES - len(encoded()))
    parse_entry(padded)
    assert message(padded + b" ") == "entry: the entry has 65537 bytes, the limit is 65536"
    assert len(parse_entries(b"\n".join([padded] * 3), NDJSON)) == 3


@given(samples())
def test_every_valid_entry_is_accepted_by_both_paths(sample: Sample) -> None:
    assert entry_faults(sample.data) == []
    assert isinstance(fast_path(sample.data), Entry)


FIELD_PATHS = [
    ("schema",),
    ("id",),
    ("source",),
    ("seq",),
    ("occurred_at",),
    ("actor",),
    ("actor", "id"),
    ("actor", "ip"),
]
FIELD_PATHS += [
    ("action",),
    ("outcome",),
    ("purpose",),
    ("targets",),
    ("subjects",),
    ("legal_basis",),
    ("crud",),
    ("zz",),
]
FIELD_PATHS += [("authorization",), ("correlation", "trace_id"), ("retention",), ("details",), ("subjects", 0, "data")]  # type: ignore[list-item]
FIELD_PATHS += [("subjects", 1, "id"), ("targets", 0, "type"), ("targets", 0, "name"), ("actor", "name")]  # type: ignore[list-item]


@given(st.lists(st.tuples(st.sampled_from(FIELD_PATHS), json_values), max_size=3))
def test_the_fast_path_fails_exactly_where_the_collector_finds_a_fault(changes: list[tuple[Any, Any]]) -> None:
    mutated = json.loads(encoded())
    for path, value in changes:
        place = mutated
        for step in path[:-1]:
            try:
                place = place[step]
            except (LookupError, TypeError):  # an earlier change took it away
                place = {}
        if isinstance(place, dict):
            place[path[-1]] = value
    both_agree(json.dumps(mutated).encode())


@given(st.data())
def test_mangled_bytes_are_refused_by_both_paths_or_by_neither(data: st.DataObject) -> None:
    mangled = bytearray(encoded())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(mangled)))
        end = data.draw(st.integers(start, min(len(mangled), start + 4)))
        mangled[start:end] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b"\\u0000", b"{", b":", b","])
        )
    both_agree(bytes(mangled))


@given(st.binary(max_size=60))
@example(b'{"subjects":[{"id":"a"},{"id":"\\u0061"}]}')
@example(b" [1")
def test_any_bytes_are_refused_only_with_entry_invalid(data: bytes) -> None:
    both_agree(data)
    for media_type in (JSON, NDJSON):
        with pytest.raises(EntryInvalid):
            parse_entries(data, media_type)


def both_agree(data: bytes) -> None:
    assert (fast_path(data) is None) == bool(entry_faults(data))


def test_faults_quote_no_value() -> None:
    secret = "Zaphod-4711"
    wrong = {
        "schema": secret, "id": secret, "source": secret, "seq": secret, "occurred_at": secret, "action": secret,
        "outcome": secret, "crud": secret, "retention": secret + " ", "purpose": secret + "\n", "legal_basis": [secret],
        "actor": {"type": " " + secret, "id": [secret], "ip": secret, secret + "@example.com": 1},
        "targets": [secret, {"type": secret + " ", "id": secret + "\n"}],
        "subjects": [{"id": secret}, {"id": secret, "data": secret}],
        "details": [secret], "correlation": secret, "authorization": {"policy": {secret: 1}},
        secret + " as key": 1,
    }  # fmt: skip
    text = message(json.dumps(wrong).encode())
    assert text.count(";") >= 18
    assert "Zaphod" not in text
    assert "4711" not in text
    for broken in (f'{{"a": {secret}', f'{{"details":{{"{secret}":1,"{secret}":2}}}}', f'{{"id":"{secret}'):
        assert secret not in message(broken.encode())


def test_the_text_forms_of_entries_hold_no_value() -> None:
    entry = sample_entry()
    shown = "".join(f"{value} {value!r}" for value in (entry, entry.actor, entry.targets, entry.subjects, [entry]))
    assert not [value for value in PERSONAL if value in shown]
    assert not list(entry.__rich_repr__())


def test_a_batch_names_each_entry_by_its_place() -> None:
    good, bad = encoded(), encoded(actor={"type": "t", "id": 5}, seq=-1)
    expected = ["[1].seq", "[1].actor.id", "[3]"]
    for body, media_type in (
        (b"\n".join([good, bad, good, b"7"]), NDJSON),
        (b"\r\n".join([good, bad, good, b"7"]) + b"\n", NDJSON + "; charset=utf-8"),
        (b" [" + b",".join([good, bad, good, b"7"]) + b"] ", JSON),
    ):
        with pytest.raises(EntryInvalid) as refusal:
            parse_entries(body, media_type)
        assert [fault.path for fault in refusal.value.faults] == expected


def test_a_broken_line_leaves_the_faults_of_the_others_readable() -> None:
    with pytest.raises(EntryInvalid) as refusal:
        parse_entries(encoded() + b'\n{"seq":\n\n' + encoded(seq=-1), NDJSON)
    assert [fault.path for fault in refusal.value.faults] == ["[1]", "[2]", "[3].seq"]


def test_good_batches_are_read_in_order() -> None:
    bodies = [encoded(seq=number, id=...) for number in range(5)]
    assert [entry.seq for entry in parse_entries(b"\n".join(bodies) + b"\n", NDJSON)] == list(range(5))
    assert [entry.seq for entry in parse_entries(b"[" + b",".join(bodies) + b"]", JSON)] == list(range(5))
    assert len(parse_entries(b"\n " + bodies[0], "Application/JSON; charset=utf-8")) == 1


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        (b"[]", JSON, "at least one entry"),
        (b"", NDJSON, "at least one entry"),
        (b"\n", NDJSON, "at least one entry"),
        (b"[{},", JSON, "not JSON"),
        (b"[\xff]", JSON, "not UTF-8"),
        (b"[" * 3000, JSON, "not JSON"),
        (b"{}", "text/plain", "media type"),
    ],
)
def test_batches_that_cannot_be_split(body: bytes, media_type: str, expected: str) -> None:
    with pytest.raises(EntryInvalid, match=expected):
        parse_entries(body, media_type)
