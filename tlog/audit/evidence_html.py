"""Evidence inside an HTML file: how its JSON is written into the page, and read out again.

    <script type="application/json" id="tlog-evidence">
    {"format": "tlog-evidence/v1", …}</script>

Such a block is data: no browser runs it. In JSON, `<`, `>`, `&` and the two line separators of Unicode can only stand
in strings; there they are written as escapes, so nothing in a field can end the block or begin a comment.
"""

from __future__ import annotations

from typing import Final

from tlog.errors import MalformedEvidence

MAX_HTML_BYTES: Final = 64 << 20
_START: Final = b'<script type="application/json" id="tlog-evidence">'
_END: Final = b"</script>"
_ESCAPES: Final = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def embedded(data: bytes) -> str:
    """Return the JSON of evidence as it stands in a page: the same value, with nothing that HTML would read."""
    return data.decode().translate(_ESCAPES)


def is_evidence_html(data: bytes) -> bool:
    """Tell whether a file is a page that says it holds evidence."""
    return data.lstrip()[:1] == b"<" and _START in data


def evidence_in(data: bytes) -> bytes:
    """Return the JSON of the evidence in a page's bytes; nothing of it is verified. Raises `MalformedEvidence`."""
    if len(data) > MAX_HTML_BYTES:
        raise MalformedEvidence(f"evidence: {len(data)} bytes of HTML, more than {MAX_HTML_BYTES}")
    if data.count(_START) != 1:
        raise MalformedEvidence("evidence: the page holds no block of evidence, or more than one")
    block, end, _ = data.partition(_START)[2].partition(_END)
    if not end:
        raise MalformedEvidence("evidence: the block of evidence in the page is cut off")
    return block
