"""Refusals that only HTTP knows; `problem` maps them, like all others, to status codes."""

from __future__ import annotations

from collections.abc import Sequence

from tlog.errors import Fault, Malformed, ServiceError


class BadParameter(Malformed):
    """A path or query parameter that is unknown, given twice, missing or not of its form."""


class BadBody(Malformed):
    """A request body that broke off, or whose transfer coding is wrong."""


class RequestInvalid(Malformed):
    """The JSON object of a request breaks its schema. `faults` lists every fault found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{fault.path or 'body'}: {fault.message}" for fault in faults))


class UnsupportedMedia(ServiceError):
    """A request body of a media type or content coding that this route does not take."""


class BodyTimeout(ServiceError):
    """The client stalled while sending its request body."""
