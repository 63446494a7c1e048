"""The routes of data protection officers in `/openapi.json`: erasures, holds, retention, acts."""

from __future__ import annotations

from tlog.audit.entry import JSON
from tlog.http.acts import DEFAULT_LIMIT, KINDS, MAX_LIMIT, MAX_NUMBER, STATES
from tlog.http.openapi.words import NUMBER, TEXT, Schema, answer_of, operation, path, query, ref


def acts() -> Schema:
    """Return them by path."""
    return _erasures() | _holds() | _retention() | _acts()


def _erasures() -> Schema:
    return {
        "/v1/erasures": {
            "post": operation(
                "erase",
                "Erase one person, as a data subject or as an actor; for data protection officers",
                {
                    "200": answer_of("Done, or with dry_run what would be", ref("ErasureAnswer")),
                    "202": answer_of("It waits for a second person, or is under way", ref("ErasureAnswer")),
                },
                body={JSON: {"schema": ref("ErasureBody")}},
            ),
            "get": operation(
                "erasures",
                "Erasures, newest first; for data protection officers",
                {"200": answer_of("One page", ref("ErasurePage"))},
                parameters=_page("erasures"),
            ),
        },
    }


def _holds() -> Schema:
    return {
        "/v1/holds": {
            "post": operation(
                "placeHold",
                "Place a hold; for data protection officers",
                {"201": answer_of("In force", ref("HoldAnswer"))},
                body={JSON: {"schema": ref("HoldBody")}},
            ),
            "get": operation(
                "holds",
                "Holds, oldest first; for data protection officers",
                {"200": answer_of("The holds", ref("HoldList"))},
                parameters=[query("all", "1: also the lifted ones", {"enum": ["0", "1"], "default": "0"})],
            ),
        },
        "/v1/holds/lift": {
            "post": operation(
                "liftHolds",
                "Lift a hold, or all of a case; for data protection officers",
                {
                    "200": answer_of("Lifted", ref("LiftAnswer")),
                    "202": answer_of("Each act waits for a second person", ref("LiftAnswer")),
                },
                body={JSON: {"schema": ref("LiftBody")}},
            )
        },
    }


def _retention() -> Schema:
    return {
        "/v1/retention": {
            "get": operation(
                "retentionPlan",
                "What expires when; for data protection officers",
                {"200": answer_of("The plan", ref("RetentionPlan"))},
                parameters=[query("until", "a day, default in 90 days", {"type": "string", "format": "date"})],
            )
        },
        "/v1/retention/run": {
            "post": operation(
                "retentionRun",
                "Expire now what is due; for data protection officers",
                {
                    "200": answer_of("Done", ref("RetentionRun")),
                    "202": answer_of("Each act waits for a second person", ref("RetentionRun")),
                },
                body={JSON: {"schema": ref("RetentionRunBody")}},
            )
        },
    }


def _acts() -> Schema:
    act = path("id", "the act's id, a UUIDv7", TEXT)
    done = {"200": answer_of("The act", ref("ActAnswer"))}
    return {
        "/v1/acts": {
            "get": operation(
                "acts",
                "Acts of every kind, newest first; for data protection officers",
                {"200": answer_of("One page", ref("ActPage"))},
                parameters=[
                    query("kind", "only acts of this kind", {"enum": list(KINDS)}),
                    query("state", "only acts in this state", {"enum": list(STATES)}),
                    *_page("acts"),
                ],
            )
        },
        "/v1/acts/{id}": {
            "get": operation("act", "How far an act is", done, parameters=[act]),
        },
        "/v1/acts/{id}/approve": {
            "post": operation("approveAct", "As the second person, have it carried out", done, parameters=[act]),
        },
        "/v1/acts/{id}/decline": {
            "post": operation("declineAct", "Have it not carried out", done, parameters=[act]),
        },
    }


def _page(what: str) -> list[Schema]:
    """Return the parameters by which pages of acts are asked for."""
    limit = {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return [
        query("limit", f"{what} a page", limit),
        query("before", "`next` of the page before", {**NUMBER, "maximum": MAX_NUMBER}),
    ]
