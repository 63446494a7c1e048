"""A client of one log's HTTP interface. What it answers is the log's word: verify it with `verifier`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from tlog.client.answers import (
    Appended,
    CheckpointPage,
    ConsistencyProof,
    InclusionProof,
    WitnessedCheckpoint,
    decode,
)
from tlog.client.ndjson import Line, body_of
from tlog.client.refusal import may_retry, refusal, retry_after
from tlog.client.retry import RetryPolicy
from tlog.errors import ConfigurationInvalid, MalformedAnswer, Overloaded, TlogError, TooLarge, Unavailable
from tlog.formats.tlog_proof import TlogProof, parse_tlog_proof

MAX_ANSWER_BYTES: Final = 32 << 20
CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 120  # longer than the log's own patience with `?wait=`

OnRetry = Callable[[TlogError, float], None]


class LogClient:
    """Talks to the log at `url`. An async context manager; belongs to one event loop.

    Every method raises `Unavailable` when the log did not answer until `retries` gave up, and what the log
    refused as the error it stands for.
    """

    def __init__(  # noqa: PLR0913 - all but the URL have a default
        self,
        url: str,
        token: str | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        retries: RetryPolicy | None = None,
        on_retry: OnRetry | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises `ConfigurationInvalid` for what is no http or https URL, or no possible token."""
        self._url = _base(url)
        self._headers = {} if token is None else {"Authorization": f"Bearer {_printable(token)}"}
        self._tls = tls
        self._retries = retries or RetryPolicy()
        self._on_retry = on_retry
        self._sleep = sleep
        self.unsettled = 0
        """Requests of which it is not known what the log did with them: no answer came, or none that says so."""

    async def __aenter__(self) -> LogClient:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
        connector = aiohttp.TCPConnector(ssl=self._tls or True)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def append(self, lines: Sequence[Line], wait: str = "durable", seconds: int = 10) -> Appended:
        """Append entries, all or none, and return where each stands, in their order; durable on return.

        `wait` is durable, integrated or witnessed; the answer's `status` says whether that was reached within
        `seconds`. A retry is harmless: the lines have ids. Raises `MalformedAnswer` if the answer is not about
        exactly these entries.
        """
        query = {"wait": wait, "timeout": str(seconds)} if wait != "durable" else {}
        headers = {"Content-Type": "application/x-ndjson"}
        body = await self._send("POST", "v1/entries", query, body_of(lines), headers)
        self.unsettled += 1  # until the answer is understood
        answer = decode(body, Appended)
        if [place.id for place in answer.entries] != [line.id for line in lines]:
            raise MalformedAnswer("the log answered about other entries than those sent")
        self.unsettled -= 1
        return answer

    async def entry(self, index: int) -> bytes:
        """Return the JSON of an entry as the log sent it (`entry_file` verifies it)."""
        return await self._get(f"v1/entries/{index}")

    async def entry_by_id(self, entry_id: str) -> bytes:
        """Return the JSON of the entry with this id, a UUID in lower case, as the log sent it."""
        return await self._get(f"v1/entries/by-id/{entry_id}")

    async def search(self, filters: Mapping[str, str | int]) -> bytes:
        """Return a page of entries as the log sent it (`search` follows and verifies pages).

        `filters` are the members of the body of POST /v1/entries/search.
        """
        headers = {"Content-Type": "application/json"}
        return await self._send("POST", "v1/entries/search", {}, msgspec.json.encode(filters), headers)

    async def get_json(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the JSON that a path answers with."""
        return await self._get(path, query)

    async def post_json(self, path: str, body: Mapping[str, object]) -> bytes:
        """Send an object and return the JSON that is answered; only where a retry is harmless."""
        headers = {"Content-Type": "application/json"}
        return await self._send("POST", path, {}, msgspec.json.encode(body), headers)

    async def proof(self, index: int) -> TlogProof:
        """Return the proof file of an entry. Raises `NotFound` while no witnessed checkpoint covers it."""
        proof = parse_tlog_proof(await self._get(f"v1/entries/{index}/proof"))
        if proof.index != index:
            raise MalformedAnswer(f"asked for the proof of entry {index}, the log sent that of {proof.index}")
        return proof

    async def inclusion(self, index: int, size: int) -> InclusionProof:
        """Return the inclusion proof of an index in the tree of a size."""
        query = {"index": str(index), "size": str(size)}
        return decode(await self._get("v1/proofs/inclusion", query), InclusionProof)

    async def consistency(self, old: int, new: int) -> ConsistencyProof:
        """Return the consistency proof between two sizes."""
        query = {"from": str(old), "to": str(new)}
        answer = decode(await self._get("v1/proofs/consistency", query), ConsistencyProof)
        if (answer.old, answer.new) != (old, new):
            raise MalformedAnswer("the log answered with a proof of other sizes than those asked for")
        return answer

    async def checkpoint(self) -> bytes:
        """Return the published checkpoint, a signed note. Raises `NotFound` before the first."""
        return await self._get("checkpoint")

    async def checkpoints(self, start: int = 0) -> AsyncIterator[WitnessedCheckpoint]:
        """Yield every witnessed checkpoint of size `start` and up, smallest first."""
        following: int | None = start
        while following is not None:
            page = decode(await self._get("v1/checkpoints", {"from": str(following)}), CheckpointPage)
            for checkpoint in page.checkpoints:
                yield checkpoint
            if page.next is not None and page.next <= following:
                raise MalformedAnswer("the log's pages of checkpoints do not end")
            following = page.next

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        return await self._send("GET", path, query or {}, None, {})

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        """Return the body of a 2xx answer, asking again where that may help."""
        url = (self._url / path).with_query(query)
        clock = asyncio.get_running_loop().time
        start = clock()
        for attempt in count():
            outcome = await self._attempt(method, url, body, headers)
            if isinstance(outcome, bytes):
                return outcome
            pause = self._retries.pause(attempt, clock() - start, outcome.asked) if outcome.may_retry else None
            if pause is None:
                raise outcome.error
            if self._on_retry is not None:
                self._on_retry(outcome.error, pause)
            await self._sleep(pause)
        raise AssertionError("count() ended")

    async def _attempt(self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]) -> bytes | _Failure:
        request = self._session.request(method, url, data=body, headers=headers, allow_redirects=False)
        self.unsettled += 1
        try:
            async with request as answer:
                content = await _read(answer)
        except aiohttp.ClientConnectorError as lost:  # nothing was sent
            self.unsettled -= 1
            error = Unavailable(f"{self._url} does not answer: {_why(lost)}")
            return _Failure(error, None, not isinstance(lost, aiohttp.ClientSSLError))
        except (aiohttp.ClientError, TimeoutError, OSError) as lost:
            error = Unavailable(f"{self._url} does not answer: {_why(lost)}")
            return _Failure(error, None, not isinstance(lost, aiohttp.ClientSSLError))
        if answer.status < 300:
            self.unsettled -= 1
            return content
        refused = refusal(answer.status, answer.headers, content)
        self.unsettled -= answer.status < 500 or isinstance(refused, Overloaded)
        return _Failure(refused, retry_after(answer.headers), may_retry(answer.status, refused))


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, the seconds the log asked to wait, and whether trying again may help."""

    error: TlogError
    asked: int | None
    may_retry: bool


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise TooLarge(f"the log's answer is over {MAX_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _base(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        raise ConfigurationInvalid(f"not a URL: {text}") from None
    if url.scheme not in {"http", "https"} or not url.host or url.query_string or url.fragment:
        raise ConfigurationInvalid(f"not the http or https URL of a log: {text}")
    return url


def _printable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise ConfigurationInvalid("the token is not one line of printable ASCII")
    return token


def _why(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.strerror or "no connection"
    return str(error) or type(error).__name__
