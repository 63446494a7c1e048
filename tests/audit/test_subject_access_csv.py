from __future__ import annotations

import csv
import io

import pytest

from tests.audit.access_material import HIDDEN, PERSON, export, planted, shown
from tests.support import entry_document
from tlog.audit.subject_access import AccessEntry, SubjectAccess, Unreadable
from tlog.audit.subject_access_csv import BOM, COLUMNS, encode_csv, guarded

FORMULA = '=HYPERLINK("https://evil.example","you, have won")'


def rows(made: SubjectAccess) -> list[dict[str, str]]:
    text = encode_csv(made).decode()
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline=""), strict=True))


def entry(**fields: object) -> AccessEntry:
    return shown(entry_document(**fields))


def test_each_row_says_what_it_is_and_has_every_column() -> None:
    damaged = Unreadable(index=7, received_at="2026-03-01T09:30:00Z", source="clinic", action="a.b", problem="broken")
    found = rows(export(entry(), unreadable=(damaged,)))
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in found)
    assert {row["row"] for row in found} == {"file", "summary", "entry", "unreadable", "not-included"}
    assert {row["field"]: row["text"] for row in found if row["row"] == "file"}["subject"] == PERSON
    [told] = [row for row in found if row["row"] == "entry"]
    assert (told["purpose"], told["actor"], told["data"]) == ("treatment", "employee", '{"fields":["allergies"]}')
    [broken] = [row for row in found if row["row"] == "unreadable"]
    assert (broken["index"], broken["text"]) == ("7", "broken")


def test_it_is_rfc_4180() -> None:
    data = encode_csv(export(entry(purpose='a "quoted", text')))
    lines = data.removeprefix(BOM.encode()).split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b'"') and line.endswith(b'"') for line in lines)
    assert b"\n" not in b"".join(lines)
    assert b'"a ""quoted"", text"' in data


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", " =", "  @"])
def test_no_field_is_a_formula(sign: str) -> None:
    text = f"{sign}1+1"
    made = export(entry(purpose=text, legal_basis=text, actor={"type": "employee", "id": "e-1", "role": text}))
    [told] = [row for row in rows(made) if row["row"] == "entry"]
    assert told["purpose"] == told["legal_basis"] == f"'{text}"
    counted = [row["text"] for row in rows(made) if row["row"] == "summary" and row["field"] == "purposes"]
    assert counted == [f"'{text}"]


def test_no_cell_of_any_row_begins_a_formula() -> None:
    person = {"id": FORMULA, "data": {FORMULA: FORMULA}}
    told = shown(entry_document(purpose=FORMULA, subjects=[person]), person=FORMULA)
    made = export(told, subject=FORMULA, notice=FORMULA, limited_to="@dana")
    for row in rows(made):
        assert not [value for value in row.values() if value.lstrip().startswith(("=", "+", "-", "@"))]
    assert FORMULA in encode_csv(made).decode().replace('""', '"'), "it is there, behind an apostrophe"


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text in ("", "treatment", "a=b", "'quoted", "1", "{}"):
        assert guarded(text) == text
    assert guarded("\t=1") == "'\t=1"


def test_nobody_else_is_in_it() -> None:
    text = encode_csv(export(shown(planted()))).decode().casefold()
    assert not [word for word in HIDDEN if word.casefold() in text]
