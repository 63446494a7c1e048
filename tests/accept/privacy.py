"""What the data subjects are promised, shown by looking for planted words in every byte on disk."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.accept.promises import shows
from tests.support import entry_document
from tests.town import Town, town
from tlog.formats.tile import bundles_of, parse_bundle, tiles_of

MARKER = "Zyxwvut"
ENTRIES = 300


def planted(number: int) -> dict[str, object]:
    """Return an entry with the marker in every field that can hold words of its own."""

    def word(name: str) -> str:
        return f"{MARKER}-{name}-{number}"

    return entry_document(
        actor={"type": "employee", "id": word("actor"), "name": word("name"), "ip": "203.0.113.7"},
        purpose=word("purpose"),
        legal_basis=word("basis"),
        authorization={"policy": word("policy"), "decision_id": word("decision")},
        targets=[{"type": "record", "id": word("target"), "name": word("target-name")}],
        subjects=[{"id": word("subject"), "data": {"diagnosis": word("diagnosis")}}],
        correlation={"trace_id": word("trace"), "request_id": word("request")},
        details={word("key"): word("value")},
    )


def fill(place: Town) -> None:
    """Append planted entries and wait until they are witnessed."""
    body = "\n".join(json.dumps(planted(number)) for number in range(ENTRIES)).encode()
    place.append(body, "?wait=witnessed")


def spellings() -> re.Pattern[bytes]:
    """Match the marker in clear, in UTF-16, in hexadecimal, and in base64 at each of its three alignments."""
    text = MARKER.encode()
    forms = {text, MARKER.encode("utf-16-le"), text.hex().encode(), text.hex().upper().encode()}
    for shift in range(3):
        forms.add(base64.b64encode(b"\0" * shift + text)[4 if shift else 0 : -4])
    return re.compile(b"|".join(re.escape(form) for form in forms))


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder."""
    return (path for path in folder.rglob("*") if path.is_file())


@shows("no-plaintext-stored")
def no_plaintext_stored(folder: Path) -> str:
    """Search every byte that log and witnesses wrote, WAL and error output too."""
    pattern = spellings()
    assert pattern.search(base64.b64encode(f"[{MARKER}]".encode())), "the search finds what it looks for"
    with town(folder) as place:
        fill(place)
        place.post(json.dumps(planted(0) | {"outcome": MARKER, "seq": MARKER}).encode(), kind="application/json")
        written = list(files(folder))
        found = [path.name for path in written if pattern.search(path.read_bytes())]
        said = [program.stderr() for program in (place.log, *place.witnesses)]
        size = sum(path.stat().st_size for path in written)
        assert found == [], found
        assert not any(MARKER in text for text in said), "in a log line"
        status, answer = place.get("/metrics")
        assert status == 200
        assert MARKER.encode() not in answer
        status, entry = place.get("/v1/entries/7", place.auditor)
        assert status == 200
        assert f"{MARKER}-diagnosis-7".encode() in entry
    return f"{ENTRIES} planted entries: 0 hits in {size} bytes of {len(written)} files, logs and metrics"


@shows("tree-holds-no-data")
def tree_holds_no_data(folder: Path) -> str:
    """Everything that is published consists of hashes and signatures, and nothing stands beside them."""
    with town(folder) as place:
        fill(place)
        served = 0
        for ref in bundles_of(ENTRIES):
            status, data = place.get(f"/{ref.path()}")
            assert status == 200
            assert all(len(leaf) == 32 for leaf in parse_bundle(data, ref.width))
            assert len(data) == ref.width * (2 + 32)
            served += len(data)
        for ref in tiles_of(ENTRIES):
            status, data = place.get(f"/{ref.path()}")
            assert (status, len(data)) == (200, ref.width * 32)
            served += len(data)
        pattern = spellings()
        for path in files(place.log_folder / "tiles"):
            assert not pattern.search(path.read_bytes())
    return f"{served} published bytes: 32 for each leaf and hash, 2 for each length"
