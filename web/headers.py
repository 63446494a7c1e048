"""The headers of every page: it loads nothing from elsewhere, runs nothing inline, and is kept nowhere."""

from __future__ import annotations

from typing import Final

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # With no-referrer browsers send `Origin: null` with this log's own forms, and whose they are could not be told.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC_HEADERS: Final = PAGE_HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"}
