"""`/openapi.json`: the login of people with OpenID Connect."""

from __future__ import annotations

from tlog.http.openapi_words import TEXT, Schema, operation, query
from tlog.http.openid import CALLBACK, MAX_RETURN_TO, START


def login() -> Schema:
    """Return the paths of the login."""
    path = {**TEXT, "maxLength": MAX_RETURN_TO}
    return {
        START: {
            "get": operation(
                "beginOpenIdLogin",
                "Lead the browser to the OpenID Connect provider of [oidc]",
                {"302": {"description": "To the provider; a cookie of ten minutes binds the login to this browser"}},
                parameters=[query("return_to", "a path below /ui, to lead to after the login", path)],
            )
        },
        CALLBACK: {
            "get": operation(
                "endOpenIdLogin",
                "Where the provider sends the browser back (OpenID Connect Core section 3.1.2.5)",
                {"default": {"$ref": "#/components/responses/Problem"}},
                parameters=[
                    query("state", "of the login", TEXT),
                    query("code", "of the provider", TEXT),
                    query("error", "why the provider refused", TEXT),
                    query("iss", "the provider (RFC 9207)", TEXT),
                ],
            )
        },
    }
