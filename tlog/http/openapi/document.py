"""`GET /openapi.json`: every route, in one document."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tlog import __version__
from tlog.http import problem
from tlog.http.openapi.acts import acts
from tlog.http.openapi.administration import administration
from tlog.http.openapi.drills import drills
from tlog.http.openapi.entries import appends, reads
from tlog.http.openapi.health import health
from tlog.http.openapi.login import login
from tlog.http.openapi.schemas import schemas
from tlog.http.openapi.subject_access import subject_access
from tlog.http.openapi.tree import checkpoints, proofs, tiles
from tlog.http.openapi.words import SECURITY_SCHEMES, Schema, answer_of, ref
from tlog.http.query import parse_query


class OpenApiRoute:
    """The handler; the document is made once."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(document())

    async def describe(self, request: web.Request) -> web.Response:
        """Answer `GET /openapi.json`."""
        parse_query(request)
        headers = {"Cache-Control": "public, max-age=300"}
        return web.Response(body=self._body, content_type="application/json", headers=headers)


def document() -> Schema:
    """Return the OpenAPI 3.1 description (https://spec.openapis.org/oas/v3.1.1.html)."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "tlog",
            "version": __version__,
            "summary": "A witnessed transparency log for sealed audit entries",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": SECURITY_SCHEMES,
            "responses": {"Problem": answer_of("A refusal (RFC 9457)", ref("Problem"), problem.MEDIA_TYPE)},
        },
    }


def _paths() -> Schema:
    guarded = appends() | reads() | acts() | subject_access() | administration() | drills()
    return guarded | proofs() | checkpoints() | tiles() | login() | health()
