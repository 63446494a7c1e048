"""Outcomes of add-checkpoint that only a witness has. `witness/http.py` maps all of them to statuses."""

from __future__ import annotations

from tlog.errors import ServiceError, VerificationFailed


class OldSizeAhead(VerificationFailed):
    """The old size is above the checkpoint's own size; no tree shrinks."""

    check = "old size"


class OldSizeMismatch(VerificationFailed):
    """The old size is not that of the latest checkpoint known here. `known` is that size, in leaves."""

    check = "old size"

    def __init__(self, known: int) -> None:
        self.known = known
        super().__init__(f"the latest checkpoint cosigned for this origin has size {known}")


class RootInvalid(VerificationFailed):
    """A root hash that no tree of this size can have, or another root at a size already cosigned."""

    check = "root hash"


class ExtensionsUnsigned(VerificationFailed):
    """Extension lines that no verified log signature covers."""

    check = "extension lines"


class Halted(ServiceError):
    """A write failed in a way that leaves the disk's content unknown; nothing is signed until a restart."""


class InternalFault(ServiceError):
    """A fault of the witness's own program; nothing was signed."""


class RequestTimeout(ServiceError):
    """The client took too long to send its request."""
