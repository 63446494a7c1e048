"""What the HTTP server itself may log: that a connection failed and how, never what came over it.

aiohttp logs a request that it cannot parse with the bytes in question and the client's address. Both may be
personal data, so its lines keep the class of the error only.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

LOGGER = logging.getLogger("tlog.http.server")


def _without_data(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    if kind is not None and issubclass(kind, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, "INFO"  # The client's fault; scanners do it all day.
    record.msg = "request not answered by a route: %s"
    record.args = (kind.__name__ if kind is not None else "no exception",)
    record.exc_info = record.exc_text = record.stack_info = None
    return True


LOGGER.addFilter(_without_data)
