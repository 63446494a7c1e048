"""What the two verifiers say of the same files: this project's Python, and its JavaScript in a real browser."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Page

from tests.web.browser import chromium, offline
from tlog.audit.evidence import parse_evidence
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import Malformed, MalformedPolicy, VerificationFailed
from tlog.formats.policy import parse_policy
from web.bundle import bundle

ROOT = Path(__file__).parents[2]
BATCH = 40
VERIFIED = "verified"


class Verdict(NamedTuple):
    """`verified`, or the name of the failed check; what is proved of the entries; and the reason, for people."""

    check: str
    proved: list[list[Any]]
    reason: str = ""


class Asked(NamedTuple):
    """A file and a policy, as bytes, with what was done to them."""

    what: str
    data: bytes
    policy: bytes


def python_verdict(asked: Asked) -> Verdict:
    try:
        policy = parse_policy(asked.policy)
        report = EvidenceVerifier(policy).verify(parse_evidence(asked.data))
    except MalformedPolicy as error:
        return Verdict("policy", [], str(error))
    except Malformed as error:
        return Verdict("format", [], str(error))
    except VerificationFailed as error:
        return Verdict(error.check, [], str(error))
    proved = [[str(e.index), sorted(e.values), e.hidden, _text(e.after), _text(e.before)] for e in report.entries]
    return Verdict(VERIFIED, proved)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


@asynccontextmanager
async def browser_page(folder: Path) -> AsyncIterator[Page]:
    """Open a page in which `verdictsOf` of tests/web/expose.js can be called."""
    (folder / "blank.html").write_text("<!doctype html><title>blank</title>")
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(folder / "blank.html")
        await page.add_script_tag(content=bundle(ROOT / "tests/web/expose.js", ROOT))
        yield page
        assert context.messages == []


async def browser_verdicts(page: Page, asked: Sequence[Asked]) -> list[Verdict]:
    """Return the browser's verdict on each."""
    found: list[Verdict] = []
    for start in range(0, len(asked), BATCH):
        batch = [[b64encode(a.data).decode(), b64encode(a.policy).decode()] for a in asked[start : start + BATCH]]
        answers = await page.evaluate("batch => verdictsOf(batch)", batch)
        found += [Verdict(answer["check"], answer["proved"], answer["reason"]) for answer in answers]
    return found


async def require_agreement(page: Page, asked: Sequence[Asked]) -> list[Verdict]:
    """Require that both say the same of each; return what they say."""
    ours = list(map(python_verdict, asked))
    theirs = await browser_verdicts(page, asked)
    differing = [
        f"{a.what}: Python says {one}, the browser {other}"
        for a, one, other in zip(asked, ours, theirs, strict=True)
        if (one.check, one.proved) != (other.check, other.proved)
    ]
    assert not differing, "\n".join(differing)
    return theirs
