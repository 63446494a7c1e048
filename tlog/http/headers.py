"""Headers of every answer."""

from __future__ import annotations

from typing import Final

HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "tlog"),  # not which library in which version
)
TRANSPORT_SECURITY: Final = ("Strict-Transport-Security", "max-age=31536000")
