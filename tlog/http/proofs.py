"""Proofs, for anybody: they hold hashes only.

    GET /v1/entries/{index}/proof                  .tlog-proof file under the newest published checkpoint
    GET /v1/proofs/inclusion?index=&size=          JSON; `size` defaults to the published size
    GET /v1/proofs/consistency?from=&to=           JSON; `to` defaults to the published size

A proof for sizes that the client names never changes and is cached for ever; one for the published size
is as old as the checkpoint it belongs to.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from tlog.errors import NotFound, OutOfRange
from tlog.formats.encoding import b64encode
from tlog.http.answers.answer import json_answer
from tlog.http.answers.proofs import ConsistencyProof, InclusionProof
from tlog.http.errors import BadParameter
from tlog.http.query import decimal, parse_number, parse_query
from tlog.http.running import publisher_of
from tlog.service.log import Log

FOR_EVER: Final = "public, max-age=31536000, immutable"
A_FEW_SECONDS: Final = "public, max-age=3"


class ProofRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def proof_file(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/{index}/proof`."""
        parse_query(request)
        index = parse_number(request.match_info["index"], "index")
        publisher_of(self._log)
        proof = await asyncio.to_thread(self._log.proofs.tlog_proof, index)
        headers = {
            "Cache-Control": A_FEW_SECONDS,
            "Content-Disposition": f'attachment; filename="entry-{index}.tlog-proof"',
        }
        return web.Response(body=proof.encode(), content_type="text/plain", charset="utf-8", headers=headers)

    async def inclusion(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/proofs/inclusion`."""
        query = parse_query(request, "index", "size")
        index = decimal(query, "index")
        size = decimal(query, "size") if "size" in query else self._published_size()
        if index >= size:
            if "size" in query:
                raise BadParameter(f"index: {index} is not in a tree of {size} leaves, whose indices start at 0")
            raise OutOfRange(f"index {index} is not under the published checkpoint of {size} leaves yet")
        proof = await asyncio.to_thread(self._inclusion, index, size)
        return json_answer(proof, cache=FOR_EVER if "size" in query else A_FEW_SECONDS)

    async def consistency(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/proofs/consistency`."""
        query = parse_query(request, "from", "to")
        old = decimal(query, "from")
        new = decimal(query, "to") if "to" in query else self._published_size()
        if old > new:
            raise BadParameter(f"from: {old} is more than {new}, the size to prove it consistent with")
        proof = await asyncio.to_thread(self._consistency, old, new)
        return json_answer(proof, cache=FOR_EVER if "to" in query else A_FEW_SECONDS)

    def _published_size(self) -> int:
        published = publisher_of(self._log).published
        if published is None:
            raise NotFound("no checkpoint is published yet; ask again, or name a size")
        return published.size

    def _inclusion(self, index: int, size: int) -> InclusionProof:
        hashes = self._log.proofs.inclusion(index, size)
        return InclusionProof(
            index=index,
            size=size,
            leaf_hash=b64encode(self._log.proofs.leaf_hash(index, size)),
            root=b64encode(self._log.proofs.root(size)),
            hashes=[b64encode(value) for value in hashes],
        )

    def _consistency(self, old: int, new: int) -> ConsistencyProof:
        hashes = self._log.proofs.consistency(old, new)
        return ConsistencyProof(
            old=old,
            new=new,
            from_root=b64encode(self._log.proofs.root(old)),
            to_root=b64encode(self._log.proofs.root(new)),
            hashes=[b64encode(value) for value in hashes],
        )
