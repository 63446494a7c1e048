"""The verifier in the browser says of every file what the one in Python says, and names the same failed check."""

from __future__ import annotations

from pathlib import Path

from tests.client.material import TIME
from tests.client.material import policy as policy_of
from tests.web.mangled_files import changed_disclosures, changed_files
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
