"""The routes of drills in `/openapi.json`."""

from __future__ import annotations

from tlog.audit.entry import JSON
from tlog.client.drill import WINDOW_DAYS
from tlog.http.drills import DEFAULT_LIMIT, MAX_DAYS, MAX_LIMIT
from tlog.http.openapi.words import NUMBER, Schema, answer_of, operation, query, ref
from tlog.http.search_parameters import MAX_CURSOR


def drills() -> Schema:
    """Return them by path."""
    limit = {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "/v1/drills": {
            "post": operation(
                "logDrill",
                "Log what a drill saw, once; for auditors and data protection officers",
                {"201": answer_of("Logged, durably", ref("DrillLogged"))},
                body={JSON: {"schema": ref("DrillResult")}},
            ),
            "get": operation(
                "drills",
                "Past drills, newest first; for auditors, data protection officers and admins",
                {"200": answer_of("One page", ref("DrillPage"))},
                parameters=[
                    query("limit", "drills a page, at most", limit),
                    query(
                        "cursor",
                        "`next` of the page before",
                        {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR},
                    ),
                ],
            ),
        },
        "/v1/drills/window": {
            "get": operation(
                "drillWindow",
                "Indices received around a day, and how many have no row; for auditors and data protection officers",
                {"200": answer_of("The window", ref("DrillWindowAnswer"))},
                parameters=[
                    query("around", "a day", {"type": "string", "format": "date"}, required=True),
                    query(
                        "days",
                        "days before and after it",
                        {**NUMBER, "maximum": MAX_DAYS, "default": WINDOW_DAYS},
                    ),
                ],
            )
        },
    }
