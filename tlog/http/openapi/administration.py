"""Administration in `/openapi.json`: who looked, tokens and roles."""

from __future__ import annotations

from tlog.audit.entry import JSON
from tlog.http.access import DEFAULT_LIMIT, MAX_LIMIT
from tlog.http.openapi.words import NUMBER, TEXT, Schema, answer_of, operation, path, query, ref


def administration() -> Schema:
    """Return the paths."""
    return _accesses() | _sources() | _tokens()


def _accesses() -> Schema:
    found = {"200": answer_of("One page", ref("AccessPage"))}
    limit = {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "/v1/access": {
            "get": operation(
                "accesses",
                "Who looked at an entry, newest first",
                found,
                parameters=[
                    query("index", "the entry's index, from 0", NUMBER, required=True),
                    query("limit", "how many at most", limit),
                    query("before", "the `next` of the page before", NUMBER),
                ],
            )
        },
        "/v1/access/search": {
            "post": operation(
                "searchAccesses",
                "Who looked at an entry, or at anything about a person",
                found,
                body={JSON: {"schema": ref("AccessBody")}},
            )
        },
    }


def _sources() -> Schema:
    return {
        "/v1/sources": {
            "get": operation(
                "sources",
                "What each source sent, and which of its numbers are missing",
                {"200": answer_of("Every source", ref("SourceList"))},
            )
        }
    }


def _tokens() -> Schema:
    one = path("id", "the token's id", TEXT)
    return {
        "/v1/tokens": {
            "post": operation(
                "issueToken",
                "Issue a token, a client certificate's access, or a login link",
                {
                    "201": answer_of("Issued", ref("IssuedAnswer")),
                    "202": answer_of("It waits for another admin", ref("IssuedAnswer")),
                },
                body={JSON: {"schema": ref("TokenBody")}},
            ),
            "get": operation(
                "tokens",
                "Every credential ever issued, without its secret",
                {"200": answer_of("All of them", ref("TokenList"))},
            ),
        },
        "/v1/tokens/{id}/revoke": {
            "post": operation(
                "revokeToken",
                "Make a credential useless",
                {"200": answer_of("As it is now", ref("TokenAnswer"))},
                parameters=[one],
            )
        },
    }
