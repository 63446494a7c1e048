"""How long each page takes, over HTTP, on a log of a million sealed entries: one reader, one page at a time.

`python -m bench.pages DIR` asks a log that `bench.sealed_log` made; `python -m bench pages` makes its own.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from bench import sealed_log
from bench.figure import Figure, Floor
from bench.place import served
from bench.quantile import quantile
from bench.report import figure_text
from bench.run import Run
from tlog.cli.data_folder import open_log_database
from tlog.http.sessions import FORM_TOKEN
from tlog.service.log_parts import now_us
from tlog.storage.log_store import LogStore
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

FLOOR: Final = Floor(150, at_most=True)
ADDRESSES: Final = (
    *("/ui/", "/ui/witnesses", "/ui/compare", "/docs", "/ui/login"),
    *("/ui/search", "/ui/access", "/ui/sources", "/ui/drills", "/ui/people", "/ui/retention", "/ui/holds", "/ui/acts"),
)
ADMIN_ADDRESSES: Final = ("/ui/tokens",)
_START_SECONDS: Final = 3_600
_PAUSE: Final = 0.05  # seconds between pages, so that the limit on requests of one reader is not what is measured


def pages(run: Run) -> Iterator[Figure]:
    """Measure every page on a log made for it."""
    folder = run.folder("pages") / "log"
    sealed_log.build(folder, run.pick(1_000_000, 50_000))
    yield from look(folder, run.pick(100, 20))


def look(folder: Path, times: int) -> Iterator[Figure]:
    """Measure every page of a log in a folder, each so many times."""
    with open_log_database(folder) as database:
        size = LogStore(database).state().size
        store = TokenStore(database, now_us)
        officer, admin = readers(store)
    with served(folder, _START_SECONDS) as place:
        place.wait_published(size, _START_SECONDS)
        yield from asyncio.run(answers(place.log.url, officer, admin, size, times))


def readers(store: TokenStore) -> tuple[str, str]:
    """Return new tokens of an officer and an admin, who see every page between them."""
    officer, admin = (store.issue(token_for(role, "bench"))[1] for role in (Role.DPO, Role.ADMIN))
    return officer, admin


async def answers(url: str, officer: str, admin: str, size: int, times: int) -> list[Figure]:
    """Measure every page of a log that is served, each so many times."""
    rng = Random(size)  # noqa: S311 - a load, not a secret
    await _hold(url, officer)
    async with _logged_in(url, officer) as reader:
        await reader.settled()
        found = [figure async for figure in _figures(reader, size, times, rng)]
    async with _logged_in(url, admin) as reader:
        return found + [_figure(path, [await reader.get(path) for _ in range(times)], size) for path in ADMIN_ADDRESSES]


async def _hold(url: str, officer: str) -> None:
    """Place holds, unless there are some: on a person and on a source, so that pages count what they cover."""
    headers = {"Authorization": f"Bearer {officer}"}
    async with aiohttp.ClientSession(url, headers=headers, raise_for_status=True) as session:
        async with session.get("/v1/holds") as answer:
            if (await answer.json())["holds"]:
                return
        for scope in ({"subject": sealed_log.subject_id(50)}, {"source": sealed_log.SOURCES[0]}):
            placed = {"kind": "legal-hold", "case": "C-1", "reason": "claim", "authorised_by": "bench"}
            await session.post("/v1/holds", json=placed | scope)


@asynccontextmanager
async def _logged_in(url: str, token: str) -> AsyncIterator[Reader]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await session.post(f"{url}/ui/login", data={"token": token})
        yield Reader(session, url, await _form_token(session, url))


async def _figures(reader: Reader, size: int, times: int, rng: Random) -> AsyncIterator[Figure]:
    for path in ADDRESSES:
        yield _figure(path, [await reader.get(path) for _ in range(times)], size)
    entries = [await reader.get(f"/ui/entries/{rng.randrange(size)}") for _ in range(times)]
    yield _figure("/ui/entries/{index}", entries, size)
    for name, path, field, value in _forms(size, rng):
        yield _figure(f"POST {path}, {name}", [await reader.post(path, field, value()) for _ in range(times)], size)


def _forms(size: int, rng: Random) -> Iterator[tuple[str, str, str, Callable[[], str]]]:
    """Yield what a form asks for, its address, its field, and values at random."""

    def subject() -> str:
        return sealed_log.subject_id(rng.randrange(1000))

    yield "a person", "/ui/search", "subject", subject
    yield "a source", "/ui/search", "source", lambda: rng.choice(sealed_log.SOURCES)
    yield "an entry", "/ui/access", "index", lambda: str(rng.randrange(size))
    yield "a person", "/ui/access", "subject", subject
    yield "a dry run", "/ui/people", "subject", subject


class Reader:
    """Somebody logged in."""

    def __init__(self, session: aiohttp.ClientSession, url: str, form_token: str) -> None:
        self._session = session
        self._url = url
        self._form_token = form_token

    async def settled(self) -> None:
        """Return once the numbers of all sources are counted, which happens once after a start."""
        while "Counting" in await self._text("/ui/sources"):  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.5)

    async def get(self, path: str) -> float:
        """Return how long a page takes, in seconds."""
        await asyncio.sleep(_PAUSE)
        began = time.perf_counter()
        await self._text(path)
        return time.perf_counter() - began

    async def post(self, path: str, field: str, value: str) -> float:
        """Return how long a form of one field takes, in seconds."""
        await asyncio.sleep(_PAUSE)
        began = time.perf_counter()
        data = {field: value, FORM_TOKEN: self._form_token}
        async with self._session.post(self._url + path, data=data) as answer:
            answer.raise_for_status()
            await answer.read()
        return time.perf_counter() - began

    async def _text(self, path: str) -> str:
        async with self._session.get(self._url + path) as answer:
            answer.raise_for_status()
            return await answer.text()


async def _form_token(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(f"{url}/ui/") as answer:
        answer.raise_for_status()
        found = re.search(rf'name="{FORM_TOKEN}" value="([^"]+)"', await answer.text())
    if found is None:
        raise RuntimeError("the login did not hold")
    return found[1]


def _figure(name: str, seconds: list[float], size: int) -> Figure:
    ordered = sorted(1000 * each for each in seconds)
    seen = {"p50": quantile(ordered, 0.5), "p99": quantile(ordered, 0.99)}
    return Figure(f"page {name}, p95", quantile(ordered, 0.95), "ms", {"entries": size}, seen, FLOOR)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--times", type=int, default=100, help="how often each page is asked for")
    chosen = parser.parse_args()
    for one in look(chosen.folder, chosen.times):
        print(f"\n{figure_text(one)}", flush=True)
