"""The pages that need no login, over a real log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.service.test_publisher import append, town
from tests.support import make_log, running_log
from tests.web.site import Site, site
from tlog.errors import LogHalted
from tlog.storage.log_store import StoredCheckpoint
from web.pages.compare import comparison

PUBLIC = ("/ui/", "/ui/witnesses", "/ui/compare", "/docs")


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Site]:
    """The pages of a log of seven entries whose quorum is `none`."""
    async with running_log(tmp_path / "log") as made, site(made) as served:
        for count in (3, 4):
            await made.log.wait("witnessed", await append(made, count))
        yield served


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_page_says_all_that_keeps_it_apart_from_others(pages: Site, path: str) -> None:
    answer = await pages.get(path)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'"} <= set(policy)
    assert {"frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'"} <= set(policy)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [*PUBLIC, "/ui/nothing"])
async def test_a_page_is_well_built(pages: Site, path: str) -> None:
    page = await pages.page(path, 404 if path == "/ui/nothing" else 200)
    assert page.all("html") == [{"lang": "en"}]
    headings = page.headings()
    assert headings.count(1) == 1
    assert all(low - high <= 1 for high, low in pairwise(headings)), headings
    assert len(set(page.ids)) == len(page.ids)
    assert "main" in page.ids
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    assert not [
        tag for tag, attributes in page.tags if "style" in attributes or any(n.startswith("on") for n in attributes)
    ]
    assert not [script for script in page.all("script") if "src" not in script]
    for header in page.all("th"):
        assert header.get("scope") in {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table"))


@pytest.mark.parametrize("path", PUBLIC)
async def test_links_within_a_page_and_to_files_lead_somewhere(pages: Site, path: str) -> None:
    page = await pages.page(path)
    addresses = [a.get("href") or a.get("src") or "" for tag, a in page.tags if tag in {"a", "link", "script", "img"}]
    assert addresses
    for address in set(addresses):
        if address.startswith("#"):
            assert address[1:] in page.ids, address
        else:
            assert address.startswith("/"), "nothing comes from elsewhere"
            if address != "/ui/login":
                assert (await pages.get(address)).status in {200, 303}, address


async def test_the_start_leads_to_the_overview(pages: Site) -> None:
    for path in ("/", "/ui"):
        answer = await pages.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, "/ui/")


async def test_files_are_kept_for_ever_under_an_address_that_changes_with_them(pages: Site) -> None:
    page = await pages.page("/ui/")
    address = next(link["href"] for link in page.all("link") if link["rel"] == "stylesheet")
    assert address
    assert re.fullmatch(r"/ui/static/[0-9a-f]{12}/pages\.css", address)
    answer = await pages.get(address)
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (await pages.get("/ui/static/000000000000/pages.css")).status == 404
    assert (await pages.get(address.replace("pages.css", "../templates/base.html"))).status == 404


async def test_a_refusal_is_a_page_with_the_words_of_the_interface(pages: Site) -> None:
    for path, status in (
        ("/ui/nothing", 404),
        ("/ui/compare?from=9", 404),
        ("/ui/compare?from=x", 400),
        ("/ui/?a=1", 400),
    ):
        page = await pages.page(path, status)
        assert str(status) in page.text
    said = (await pages.get("/v1/proofs/consistency?from=x")).json()["detail"]
    assert said in (await pages.page("/ui/compare?from=x", 400)).text
    assert (await pages.get("/v1/nothing")).headers["Content-Type"] == "application/problem+json"


async def test_another_method_is_refused_and_the_one_allowed_named(pages: Site) -> None:
    async with pages._session.delete(pages._server.make_url("/ui/")) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_the_overview_shows_size_and_root(pages: Site) -> None:
    page = await pages.page("/ui/")
    head = pages.made.log.store.last_witnessed()
    assert head is not None
    assert (await pages.get("/v1/checkpoints?order=desc&limit=1")).json()["checkpoints"][0]["root"] in page.text
    assert "Ready" in page.text
    assert "all of them witnessed" in page.text


async def test_the_overview_of_an_empty_log(tmp_path: Path) -> None:
    async with running_log(tmp_path / "log") as made, site(made) as served:
        page = await served.page("/ui/")
        assert "Nothing to draw yet" in page.text
        compared = await served.page("/ui/compare")
        assert "The same checkpoint" in compared.text


async def test_a_log_that_is_starting_says_so(tmp_path: Path) -> None:
    made = make_log(tmp_path / "log")
    async with site(made) as served:
        assert "the log is starting" in (await served.page("/ui/", 503)).text
    made.close()


async def test_witnesses_and_quorum_are_shown(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made, site(made) as served:
        await made.log.wait("witnessed", await append(made, 5))
        page = await served.page("/ui/")
        for name in ("w0.example", "w1.example", "w2.example"):
            assert name in page.text
        assert "2 of 3 needed" in page.text
        assert "Met" in page.text
        heads = await served.page("/ui/witnesses")
        assert heads.text.count("Agrees") >= 3, "two of three, and the line that explains the word"
        assert "disagree" not in heads.text.lower().replace("no disagreement", "")


async def test_without_a_quorum_the_overview_says_that_nothing_is_published(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made, site(made) as served:
        await made.log.wait("witnessed", await append(made, 2))
        for witness in place.witnesses[:2]:
            await witness.stop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.log.wait("witnessed", await append(made, 2)), 2.5)
        page = await served.page("/ui/")
        assert "Not publishing" in page.text
        assert "no quorum for size 4" in page.text
        assert "Quorum of the newest checkpoint Not met 1 cosigned where 2 are needed." in page.text
        assert "Witnesses heard 1 of 3" in page.text
        for stopped in ("w0.example", "w1.example"):
            assert f"{stopped} Not answering 2 2 20" in page.text, "size, behind by, last cosignature"
        assert "w2.example Up to date 4 0 20" in page.text


async def test_a_halted_log_says_so_and_what_to_do(tmp_path: Path) -> None:
    async with running_log(tmp_path / "log") as made, site(made) as served:
        made.log.publisher._stop_signing("the database was rolled back")
        with pytest.raises(LogHalted):
            await append(made, 1)
        page = await served.page("/ui/")
        assert "Halted" in page.text
        assert "the database was rolled back" in page.text
        assert "restores the newest database" in page.text


async def test_two_checkpoints_are_compared(pages: Site) -> None:
    sizes = [stored.size for stored in pages.made.log.store.checkpoints()]
    assert sizes[-1] == 7
    page = await pages.page(f"/ui/compare?from={sizes[1]}&to=7")
    assert "Consistent" in page.text
    for value in (await pages.get(f"/v1/proofs/consistency?from={sizes[1]}&to=7")).json()["hashes"]:
        assert value in page.text
    assert page.all("svg")
    assert (await pages.get("/ui/checkpoints/7")).body == (await pages.get("/checkpoint")).body


async def test_a_size_without_a_checkpoint_is_named(pages: Site) -> None:
    assert "no witnessed checkpoint has 9 leaves" in (await pages.page("/ui/compare?from=0&to=9", 404)).text
    assert "from: 7 is more than 3" in (await pages.page("/ui/compare?from=7&to=3", 400)).text


async def test_a_proof_that_does_not_hold_is_said_in_red() -> None:
    old, new = (StoredCheckpoint(size, bytes(32), b"", 0, 0) for size in (2, 3))
    assert comparison(old, new, [bytes(32)]).fault is not None
