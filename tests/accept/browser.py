"""What whoever has a browser and nothing else is promised."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.accept.promises import shows
from tests.processes import TLOG, run
from tests.support import entry_document
from tests.town import town
from tests.web.browser import chromium, chromium_path, offline, outcome
from tlog.audit.evidence_html import embedded, evidence_in


@shows("evidence-verifies-in-browser")
def evidence_verifies_in_browser(folder: Path) -> str:
    """Take one HTML file away, stop everything, and open it offline: as it is, with a policy, and changed."""
    chromium_path()
    case, policy, token = folder / "case.html", folder / "policy.txt", folder / "token"
    with town(folder) as place:
        for _ in range(3):  # so that a witnessed checkpoint is on either side of the entry
            place.append(json.dumps(entry_document()).encode(), "?wait=witnessed")
        token.write_text(place.auditor)
        token.chmod(0o600)
        run([*TLOG, "evidence", "1", "--all", "-o", str(case), "--url", place.log.url, "--token-file", str(token)])
        shutil.copy(place.log_folder / "policy.txt", policy)
    run([*TLOG, "init", str(folder / "other"), "--origin", "example.com/town"])
    return asyncio.run(_in_a_browser(case, policy, folder / "other/policy.txt"))


async def _in_a_browser(case: Path, policy: Path, stranger: Path) -> str:
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(case)
        verdict, words = await outcome(page)
        assert verdict == "passed", words
        assert "the log's own word" in words
        when = await page.locator("#entries-shown .when").inner_text()
        assert when.startswith("Verified: logged after "), when
        for file, expected in ((stranger, "failed"), (policy, "passed")):
            await page.set_input_files("#policy-file", file)
            await page.wait_for_selector(f"#outcome.given.{expected}")
        named = [await _refused(page, changed) for changed in changed_files(case)]
        assert context.requests == []
        version = browser.version.partition(".")[0]
    return f"Chromium {version}, no request; {when.removeprefix('Verified: ')} changed: {', '.join(named)}"


async def _refused(page: Page, changed: Path) -> str:
    """Open a changed file; return the check that refuses it."""
    await page.goto(changed.as_uri())
    verdict, words = await outcome(page)
    assert verdict == "failed", words
    return re.split("[,:]", words.removeprefix("Not verified. What failed: "))[0]


def changed_files(case: Path) -> list[Path]:
    """Write the page with one thing changed in its evidence each."""
    page = case.read_bytes()
    block = evidence_in(page)
    paths = []
    for number, changed in enumerate(changed_evidence(json.loads(block))):
        path = case.with_name(f"changed-{number}.html")
        path.write_bytes(page.replace(block, embedded(json.dumps(changed).encode()).encode()))
        paths.append(path)
    return paths


def changed_evidence(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield evidence with a changed field, path, place, time, signature and policy."""
    [entry] = document["entries"]
    shown = entry["disclosures"]
    changes = [
        {"disclosures": {name: text for name, text in shown.items() if name != "purpose"}},
        {"inclusion": [*entry["inclusion"], entry["leaf"]]},
        {"index": entry["index"] + 1},
        {"after": entry["size"]},
    ]
    for change in changes:
        yield document | {"entries": [entry | change]}
    first, *others = document["checkpoints"]
    at = first.index("\u2014 w0.example ") + 60
    other = "A" if first[at] != "A" else "B"
    yield document | {"checkpoints": [first[:at] + other + first[at + 1 :], *others]}
    yield document | {"policy": document["policy"].replace("w0.example+", "w9.example+", 1)}
