"""Which look-ups are over the log's own entries too."""

from __future__ import annotations

from tlog.service.access_log import ENTRY, PERSON
from tlog.service.erasure_request import OWN_ACTORS
from tlog.service.lookup_filters import Filters
from tlog.storage.roles import OWN_SOURCE


def asks_own(asked: Filters) -> bool:
    """Tell whether the log's own entries, or their like, are asked for: else every look-up would find those before."""
    return (
        asked.source == OWN_SOURCE
        or (asked.action or "").partition(".")[0] == OWN_SOURCE
        or (asked.actor or ("",))[0] in OWN_ACTORS
        or (asked.target or ("",))[0] in {ENTRY, PERSON}
    )
