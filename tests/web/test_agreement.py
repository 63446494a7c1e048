"""The verifier in the browser says of every file what the one in Python says, and names the same failed check."""

from __future__ import annotations

import random
from pathlib import Path

from tests.client.material import TIME
from tests.client.material import policy as policy_of
from tests.web.mangled_files import GOOD, changed_disclosures, changed_files, entry_with, with_
from tests.web.mangled_json import DATA, changed_members, json_texts
from tests.web.mangled_notes import changed_notes
from tests.web.mangled_policies import POLICY, policies
from tests.web.material import FIELDS, INDEX, case
from tests.web.verdicts import VERIFIED, Asked, browser_page, require_agreement
from tlog.formats.policy import encode_policy


async def test_on_files_with_one_thing_wrong(tmp_path: Path) -> None:
    asked = [
        Asked(what, evidence.encode(), POLICY)
        for cases in (changed_files(), changed_disclosures(), changed_notes())
        for what, evidence in cases
    ]
    async with browser_page(tmp_path) as page:
        found = await require_agreement(page, asked)
    said = {verdict.check for verdict in found}
    assert said >= {
        *(VERIFIED, "format", "origin", "log signature", "signature", "witness quorum"),
        *("consistency", "time bracket", "inclusion", "leaf"),
    }
    assert found[0].check == VERIFIED
    assert found[0].proved == [[str(INDEX), sorted(FIELDS), 0, str(TIME + 1), str(TIME + 11)]]


async def test_on_the_letter_of_json(tmp_path: Path) -> None:
    texts = [*json_texts(), *changed_members()]
    async with browser_page(tmp_path) as page:
        found = await require_agreement(page, [Asked(what, data, POLICY) for what, data in texts])
    assert {verdict.check for verdict in found} >= {VERIFIED, "format"}


async def test_on_characters_changed_all_over_the_file(tmp_path: Path) -> None:
    """Every 61st character, and each of one disclosure and one hash, becomes another in three ways."""
    text = DATA.decode()
    places = {*range(0, len(text), 61), *range(text.index('"leaf"'), text.index('"leaf"') + 60)}
    first = text.index('"disclosures"')
    places |= set(range(first, first + 140))
    asked = [
        Asked(f"character {at} is {new!r}", (text[:at] + new + text[at + 1 :]).encode(), POLICY)
        for at in sorted(places)
        for new in (chr(ord(text[at]) ^ 1), "", '"')
    ]
    async with browser_page(tmp_path) as page:
        await require_agreement(page, asked)


async def test_on_policies(tmp_path: Path) -> None:
    asked = [
        Asked(f"the policy {text[-200:]!r}", DATA, text if isinstance(text, bytes) else text.encode())
        for text in policies()
    ]
    async with browser_page(tmp_path) as page:
        found = await require_agreement(page, asked)
    assert {verdict.check for verdict in found} >= {VERIFIED, "policy", "witness quorum", "origin", "log signature"}


async def test_on_times(tmp_path: Path) -> None:
    """Brackets under every quorum of three, with witnesses that cosigned at all sorts of times, or did not."""
    times: list[dict[int, int]] = [
        *({0: 5, 1: 1, 2: 9}, {0: 9, 1: 9, 2: 9}, {0: 1, 1: 2}, {2: 3}, {0: 1, 2: 2}, {}),
        *({1: 2**62 - TIME, 2: 4, 0: 3}, {0: 300_000_000_000, 1: 300_000_000_001, 2: 1}),
    ]
    asked = [
        Asked(f"{before} then {after}, {quorum}", case(before, after).encode(), encode_policy(policy_of(quorum=quorum)))
        for before in times
        for after in times
        for quorum in (1, 2, 3)
        if after
    ]
    async with browser_page(tmp_path) as page:
        found = await require_agreement(page, asked)
    assert {verdict.check for verdict in found} == {VERIFIED, "witness quorum", "time bracket"}
    assert len({str(verdict.proved) for verdict in found}) > 20


async def test_what_was_changed_is_named(tmp_path: Path) -> None:
    """For people, the failed step says of which checkpoint, whose signature and which entry it is."""
    first, last = GOOD.checkpoints
    changed = {
        "log signature, checkpoint 1 of 4 leaves": with_(checkpoints=[wrong_signature(first, 0), last]),
        "cosignature by w1, checkpoint 1 of 4 leaves": with_(checkpoints=[wrong_signature(first, 2), last]),
        "cosignature by w3, checkpoint 2 of 7 leaves": with_(checkpoints=[first, wrong_signature(last, 4)]),
        "checkpoint form, checkpoint 1": with_(checkpoints=["x", last]),
        "consistency, from 4 to 7 leaves": with_(consistency=[[GOOD.entries[0].leaf]]),
        "leaf, entry 5": entry_with(digests=[GOOD.entries[0].leaf]),
        "inclusion, entry 5": entry_with(inclusion=GOOD.entries[0].inclusion[::-1]),
        "checkpoints around it, entry 5": entry_with(after=3),
    }
    asked = [Asked(what, evidence.encode(), POLICY) for what, evidence in changed.items()]
    async with browser_page(tmp_path) as page:
        found = await require_agreement(page, asked)
    for what, verdict in zip(changed, found, strict=True):
        assert verdict.reason.startswith(f"{what}: "), (what, verdict.reason)


async def test_on_pieces_moved_doubled_and_taken_out(tmp_path: Path) -> None:
    """Random pieces of the file, of random length, at random places."""
    chosen = random.Random(20261126)
    asked = []
    for number in range(300):
        start = chosen.randrange(len(DATA))
        end = min(len(DATA), start + chosen.choice((1, 2, 8, 44, 200)))
        at, piece = chosen.randrange(len(DATA)), DATA[start:end]
        changed = {
            0: DATA[:start] + DATA[end:],
            1: DATA[:end] + piece + DATA[end:],
            2: DATA[:at] + piece + DATA[at:],
            3: DATA[:start] + piece[::-1] + DATA[end:],
        }[number % 4]
        asked.append(Asked(f"change {number}: {start}-{end}, {at}", changed, POLICY))
    async with browser_page(tmp_path) as page:
        await require_agreement(page, asked)


def wrong_signature(note: str, number: int) -> str:
    """Change a character in the middle of the signature line of this number."""
    text, _, signatures = note.partition("\n\n")
    lines = signatures.splitlines(keepends=True)
    line = lines[number]
    at = line.rindex(" ") + 50
    lines[number] = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1 :]
    return text + "\n\n" + "".join(lines)
