"""An entry's page in a real browser, of a log that changes one thing: the page names exactly what does not verify."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_evidence import grow
from tests.support import entry_document
from tests.web.hostile import Hostile, at_path, hostile_log, in_evidence, log_in, opened, said
from tests.web.proxy import Change, nothing
from tlog.errors import Malformed
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.encoding import b64decode, b64encode
from tlog.formats.note import parse_note
from tlog.storage.roles import Role

GOOD, BAD, NOTHING = (
    "Verified in your browser",
    "Does not verify in your browser",
    "Nothing was verified in your browser",
)
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[Hostile]:
    async with hostile_log(tmp_path) as made:
        yield made


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def with_signature(note: str, name: str) -> str:
    """The note with another bit in the last byte of the first signature by this name."""
    lines = note.split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(f"\u2014 {name} "))
    dash, signer, value = lines[at].split(" ")
    raw = b64decode(value, Malformed, "signature")
    lines[at] = f"{dash} {signer} {b64encode(flipped(raw, len(raw) - 40))}"
    return "\n".join(lines)


def with_root(note: bytes) -> bytes:
    lines = note.split(b"\n")
    lines[2] = b64encode(bytes(32)).encode()
    return b"\n".join(lines)


def last_note(edit: Callable[[str], str]) -> Change:
    def change(document: dict[str, Any]) -> None:
        document["checkpoints"][-1] = edit(document["checkpoints"][-1])

    return in_evidence(change)


def of_entry(edit: Callable[[dict[str, Any]], object]) -> Change:
    return in_evidence(lambda document: edit(document["entries"][0]))


def other_hash(text: str) -> str:
    return b64encode(flipped(b64decode(text, Malformed, "hash"), 3))


def put(values: list[str], at: int = 0) -> None:
    values[at] = other_hash(values[at])


def other_purpose(entry: dict[str, Any]) -> None:
    """The disclosure of the purpose, well made, with another value."""
    text = entry["disclosures"]["purpose"]
    disclosure = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b'"treatment"' in disclosure
    other = urlsafe_b64encode(disclosure.replace(b'"treatment"', b'"research"'))
    entry["disclosures"]["purpose"] = other.decode().rstrip("=")


LOG, WITNESS = "example.com/log", "w1.example"
CASES: list[tuple[str, Change, str]] = [
    (
        "a full tile",
        at_path("/tile/0/000", lambda body: flipped(body, 700)),
        r"^inclusion, entry 3 in the tiles: tile/0/000 does not hash to its place in the tree",
    ),
    (
        "the tile of the right edge",
        at_path("/tile/0/001.p/", lambda body: flipped(body, 0)),
        r"^inclusion, entry 3 in the tiles: tile/0/001\.p/\d+ .*is wrong",
    ),
    ("a tile cut short", at_path("/tile/0/000", lambda body: body[:-32]), r"tile/0/000: 8160 bytes where 256 hashes"),
    (
        "the served checkpoint's root",
        at_path("/checkpoint", with_root),
        r"^log signature, the checkpoint that the log serves of \d+ leaves: .* by 'example\.com/log' does not verify",
    ),
    (
        "a cosignature of the served checkpoint",
        at_path("/checkpoint", lambda body: with_signature(body.decode(), WITNESS).encode()),
        r"^cosignature by w1\.example-\S+, the checkpoint that the log serves of \d+ leaves: .*does not verify",
    ),
    (
        "the log's signature of the served checkpoint",
        at_path("/checkpoint", lambda body: with_signature(body.decode(), LOG).encode()),
        r"^log signature, the checkpoint that the log serves of \d+ leaves: .* by 'example\.com/log' does not verify",
    ),
    (
        "a cosignature in the evidence",
        last_note(lambda note: with_signature(note, WITNESS)),
        r"^cosignature by w1\.example-\S+, checkpoint 2 of \d+ leaves: .* by 'w1\.example' does not verify",
    ),
    (
        "the log's signature in the evidence",
        last_note(lambda note: with_signature(note, LOG)),
        r"^log signature, checkpoint 2 of \d+ leaves: .* by 'example\.com/log' does not verify",
    ),
    ("a disclosure", of_entry(other_purpose), r"^leaf, entry 3: the disclosures do not hash to the leaf"),
    ("a field left out", of_entry(lambda entry: entry["disclosures"].pop("purpose")), r"^leaf, entry 3"),
    ("an inclusion hash", of_entry(lambda entry: put(entry["inclusion"])), r"^inclusion, entry 3"),
    ("a digest", of_entry(lambda entry: put(entry["digests"])), r"^leaf, entry 3: the disclosures do not hash"),
    (
        "the consistency proof",
        in_evidence(lambda document: put(document["consistency"][0])),
        r"^consistency, from 3 to \d+ leaves",
    ),
    ("the leaf", of_entry(lambda entry: entry.update(leaf=other_hash(entry["leaf"]))), r"^inclusion, entry 3"),
    ("the index", of_entry(lambda entry: entry.update(index=2, after=None)), r"^inclusion, entry 2"),
    (
        "the bracket",
        of_entry(lambda entry: entry.update(after=entry["size"])),
        r"^checkpoints around it, entry 3: .* contains it already",
    ),
    ("a member that is unknown", in_evidence(lambda document: document.update(extra=1)), r"^file form"),
    (
        "a word of the page",
        lambda path, body: body.replace(b">treatment<", b">research<") if "entries" in path else body,
        r"^shown field: the page shows another purpose than the evidence proves",
    ),
    (
        "a number of the page",
        lambda path, body: body.replace(b"&#34;: 1.5", b"&#34;: 1.6") if "entries" in path else body,
        r"^shown field: the page shows another subjects\[1\]\.data than",
    ),
]


async def test_one_changed_thing_is_named_and_nothing_changed_verifies(hostile: Hostile) -> None:
    found = await opened(hostile.page, hostile.url)
    assert (found.health, found.words) == ("good", GOOD), found
    assert re.match(r"It was logged after .* and at or before .*\. Checked under the log's own policy", found.why)
    missed = []
    for what, change, words in CASES:
        hostile.proxy.tamper(change)
        found = await opened(hostile.page, hostile.url)
        assert hostile.proxy.changed, what
        if (found.health, found.words) != ("bad", BAD) or not re.search(words, found.why):
            missed.append((what, found))
    assert not missed, "\n".join(map(str, missed))
    hostile.proxy.tamper(nothing)
    assert (await opened(hostile.page, hostile.url)).words == GOOD


async def test_good_evidence_of_another_entry_is_not_taken_for_this_one(hostile: Hostile) -> None:
    other = (await hostile.page.request.get(f"{hostile.proxy.url}/ui/entries/1")).text()
    body = (await other).encode()
    hostile.proxy.tamper(lambda path, good: body if path == f"/ui/entries/{hostile.index}" else good)
    found = await opened(hostile.page, hostile.url)
    assert (found.health, found.words) == ("bad", BAD)
    assert found.why.startswith("index: the page is of entry 3, its evidence of entry 1.")


async def test_a_log_that_went_back_is_named(hostile: Hostile) -> None:
    """It serves an old checkpoint, well signed: from before the entry."""
    old = hostile.made.log.store.checkpoints()[1]
    assert parse_checkpoint(parse_note(old.note).text).size < hostile.index + 1
    hostile.proxy.tamper(at_path("/checkpoint", lambda _: old.note))
    found = await opened(hostile.page, hostile.url)
    assert found.words == BAD
    assert re.match(r"same log, the log today: the log shows 3 leaves, fewer than the \d+ in the evidence", found.why)


async def test_where_no_program_runs_nothing_is_said_to_be_verified(hostile: Hostile) -> None:
    await hostile.page.route("**/*.js", lambda route: route.abort())
    await hostile.page.goto(hostile.url)
    await hostile.page.wait_for_load_state("networkidle")
    assert await said(hostile.page) == ("", NOTHING, "Its program did not run here.")
    context = await hostile.browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await log_in(page, hostile.proxy.url, hostile.made.token("ann", Role.AUDITOR))
    await page.goto(hostile.url)
    assert await said(page) == ("", NOTHING, "Its program did not run here.")


async def test_a_browser_without_ed25519_or_webcrypto_verifies_nothing(hostile: Hostile) -> None:
    without = """crypto.subtle.importKey = () => Promise.reject(new DOMException("no", "NotSupportedError"))"""
    await hostile.page.add_init_script(without)
    found = await opened(hostile.page, hostile.url)
    assert found == ("unknown", NOTHING, "this browser cannot check Ed25519 signatures.")
    await hostile.page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    found = await opened(hostile.page, hostile.url)
    assert (found.health, found.words) == ("unknown", NOTHING)
    assert "WebCrypto" in found.why


async def test_fields_of_every_form_are_shown_as_they_were_proved(hostile: Hostile) -> None:
    odd = {"n": 1.50, "big": 9007199254740993, "text": "a\r\nb <b>&amp; é 😀", "none": None, "deep": [[], {}]}
    odd |= {"hidden": "a\u202eb\u200bc\u0085d\U000e0041", "k\u2066": 1}
    document = entry_document(
        actor={"type": "employee", "id": "e <1>", "name": "Dr.\u00a0Ada\u202e\U000e0041\u00ad \\u202e"},
        details=odd,
        targets=[{"type": "record", "id": "r-1"}, {"type": "file", "id": "f", "name": "X & Y"}],
        correlation={"trace_id": "t", "request_id": "r"},
        authorization={"policy": "p1", "decision_id": "d"},
        legal_basis="GDPR Art. 6(1)(c)",
        crud="read",
    )
    [index] = await grow(hostile.made, document)
    found = await opened(hostile.page, f"{hostile.proxy.url}/ui/entries/{index}")
    assert found.words == GOOD, found
