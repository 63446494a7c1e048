"""What the routes may ask of a log that may not be started yet."""

from __future__ import annotations

from tlog.errors import Unavailable
from tlog.service.log import Log
from tlog.service.publisher import Publisher


def publisher_of(log: Log) -> Publisher:
    """Return the publisher of a started log. Raises `Unavailable` before that."""
    publisher: Publisher | None = getattr(log, "publisher", None)
    if publisher is None:
        raise Unavailable("the log is starting")
    return publisher
