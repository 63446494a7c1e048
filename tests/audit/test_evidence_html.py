"""The block of evidence in a page: what goes in comes out, and nothing else does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.audit.evidence_html import MAX_HTML_BYTES, embedded, evidence_in, is_evidence_html
from tlog.errors import MalformedEvidence

BEGIN, END = '<script type="application/json" id="tlog-evidence">', "</script>"


@given(st.text())
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    data = json.dumps({"field": text}, ensure_ascii=False).encode(errors="replace")
    page = f"<html>{BEGIN}\n{embedded(data)}{END}</html>".encode()
    assert is_evidence_html(page)
    assert json.loads(evidence_in(page)) == json.loads(data)
    assert not set("<>&\u2028\u2029") & set(embedded(data))


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("<html></html>", "no block"),
        (f"<html>{BEGIN}{{}}{END}{BEGIN}{{}}{END}", "more than one"),
        (f"<html>{BEGIN}{{}}", "cut off"),
        (BEGIN.replace("tlog-evidence", "other") + "{}" + END, "no block"),
    ],
)
def test_what_holds_no_evidence_is_refused(page: str, why: str) -> None:
    with pytest.raises(MalformedEvidence, match=why):
        evidence_in(page.encode())


def test_a_page_that_is_too_large_is_refused() -> None:
    with pytest.raises(MalformedEvidence, match="more than"):
        evidence_in(b" " * (MAX_HTML_BYTES + 1))
