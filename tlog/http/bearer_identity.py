"""A request that brings a JWT of the identity provider as bearer token (RFC 6750 section 2.1)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from tlog.http.peer_certificate import peer_certificate
from tlog.service.identity.bearer import Bearer, looks_like_jwt
from tlog.service.identity.identity import Identity

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")


async def bearer_identity(request: web.Request, bearer: Bearer | None) -> Identity | None:
    """Return whom the request's token is about; None where it brings none that is meant as a JWT, or none is taken.

    A token that is bound to a client certificate must come over a connection that showed it. Raises `TokenInvalid`,
    `MalformedToken`, `ProviderFailed`, `Unauthorized` for a certificate that has expired meanwhile.
    """
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    if bearer is None or found is None or not looks_like_jwt(found[1]):
        return None
    certificate = peer_certificate(request)
    return await bearer.identify(found[1], None if certificate is None else certificate.fingerprint)
