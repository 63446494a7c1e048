"""What time it is at most, as far as others vouch for it: nothing may expire because this machine's clock is wrong.

Witness cosignatures carry the time of their witness. The log's own clock is believed up to a day beyond the latest time
at which, or later, those of the published checkpoint meet the quorum. So a witness whose clock is far behind stops
nothing that the others bear out, and one that is ahead moves nothing alone: it takes as many as it takes to vouch for
a checkpoint. A log without witnesses has its own clock only.
"""

from __future__ import annotations

from typing import Final

from tlog.errors import TlogError
from tlog.formats.policy import Policy
from tlog.storage.log_store import StoredCheckpoint

_BEYOND: Final = 86_400_000_000


def believable_time(now: int, published: StoredCheckpoint | None, policy: Policy) -> int:
    """Return `now` (microseconds), or less where the witnesses of the published checkpoint do not bear it out."""
    if not policy.witnesses:
        return now
    if published is None:
        return 0
    try:
        cosigned = policy.verify_checkpoint(published.note).cosigned
    except TlogError:  # with `fail_open`, what is published may lack its quorum
        return 0
    if not cosigned:
        return now  # a policy that lists witnesses and needs none
    vouched_for = policy.met_from(cosigned) or max(cosigned.values())
    return min(now, vouched_for * 1_000_000 + _BEYOND)
