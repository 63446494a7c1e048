"""Refusals that only HTTP knows; `problem` maps them, like all others, to status codes."""

from __future__ import annotations

from tlog.errors import Malformed, ServiceError


class BadParameter(Malformed):
    """A path or query parameter that is unknown, given twice, missing or not of its form."""


class BadBody(Malformed):
    """A request body that broke off, or whose transfer coding is wrong."""


class UnsupportedMedia(ServiceError):
    """A request body of a media type or content coding that this route does not take."""


class BodyTimeout(ServiceError):
    """The client stalled while sending its request body."""
