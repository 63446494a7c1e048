"""What the HTTP server itself may log: that a connection failed and how.

aiohttp logs a request that it cannot parse with its bytes and the client's address: personal data, and lines
without bound. Its lines keep the class of the error only, and what is the client's fault is no warning.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

LOGGER = logging.getLogger("witness.http.server")


def _without_data(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    if kind is not None and issubclass(kind, HttpProcessingError):
        return False
    record.msg = "request not answered by a route: %s"
    record.args = (kind.__name__ if kind is not None else "no exception",)
    record.exc_info = record.exc_text = record.stack_info = None
    return True


LOGGER.addFilter(_without_data)
