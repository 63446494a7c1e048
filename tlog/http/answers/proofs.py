"""What proofs, checkpoints and `/readyz` answer."""

from __future__ import annotations

from tlog.http.answers.answer import Answer, Base64, Hashes, Size, Time


class InclusionProof(Answer, frozen=True, kw_only=True):
    """RFC 6962 section 2.1.1: `hashes` lead from the leaf hash of `index` to `root`, the leaf's sibling first."""

    index: Size
    size: Size
    leaf_hash: Base64
    root: Base64
    hashes: Hashes


class ConsistencyProof(Answer, frozen=True, kw_only=True, rename={"old": "from", "new": "to"}):
    """RFC 6962 section 2.1.2: `hashes` show that the tree of size `to` extends the tree of size `from`."""

    old: Size
    new: Size
    from_root: Base64
    to_root: Base64
    hashes: Hashes


class CheckpointAnswer(Answer, frozen=True, kw_only=True):
    """A witnessed checkpoint; `note` is the signed note with every cosignature known."""

    size: Size
    root: Base64
    note: str
    signed_at: Time
    witnessed_at: Time


class CheckpointPage(Answer, frozen=True, kw_only=True):
    """Checkpoints by size; `next` is the `from` of the next page, null at the end."""

    checkpoints: list[CheckpointAnswer]
    next: int | None


class Ready(Answer, frozen=True, kw_only=True):
    """Whether the log appends and publishes now, and if not, why."""

    ready: bool
    reason: str | None
