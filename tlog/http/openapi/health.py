"""Health, metrics, and the description itself."""

from __future__ import annotations

from tlog.http.openapi.words import TEXT, Schema, answer_of, operation, ref


def health() -> Schema:
    """Return the paths that machines ask."""
    ready = ref("Ready")
    answered = {"200": answer_of("Ready", ready), "503": answer_of("Not ready, and why", ready)}
    return {
        "/healthz": {"get": operation("healthz", "Alive", {"200": answer_of("It is", TEXT, "text/plain")})},
        "/readyz": {"get": operation("readyz", "Whether the log appends and publishes", answered)},
        "/metrics": {
            "get": operation("metrics", "Prometheus metrics", {"200": answer_of("Text format", TEXT, "text/plain")})
        },
        "/openapi.json": {
            "get": operation("openapi", "This document", {"200": answer_of("OpenAPI 3.1", {"type": "object"})})
        },
    }
