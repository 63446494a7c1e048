"""`/openapi.json`: the login of people with OpenID Connect."""

from __future__ import annotations

from typing import Final

from tlog.http.openapi.words import TEXT, Schema, operation, query
from tlog.http.openid import CALLBACK, MAX_RETURN_TO, START

_PAGE: Final[Schema] = {"text/html": {"schema": TEXT}}


def login() -> Schema:
    """Return the paths of the login."""
    return {START: {"get": _or_page(_start())}, CALLBACK: {"get": _or_page(_callback())}}


def _start() -> Schema:
    path = {**TEXT, "maxLength": MAX_RETURN_TO}
    return operation(
        "beginOpenIdLogin",
        "Lead the browser to the OpenID Connect provider of [oidc]",
        {"302": {"description": "To the provider; a cookie of ten minutes binds the login to this browser"}},
        parameters=[query("return_to", "a path below /ui, to lead to after the login", path)],
    )


def _callback() -> Schema:
    return operation(
        "endOpenIdLogin",
        "Where the provider sends the browser back (OpenID Connect Core section 3.1.2.5)",
        {"303": {"description": "Logged in, to where the login began; a cookie holds the session"}},
        parameters=[
            query("state", "of the login", TEXT),
            query("code", "of the provider", TEXT),
            query("error", "why the provider refused", TEXT),
            query("iss", "the provider (RFC 9207)", TEXT),
        ],
    )


def _or_page(said: Schema) -> Schema:
    """Say that a refusal is a page where the log serves pages: these are for browsers."""
    answers = said["responses"].items()
    refused = {
        status: answer | {"content": answer["content"] | _PAGE} for status, answer in answers if "content" in answer
    }
    return said | {"responses": said["responses"] | refused}
