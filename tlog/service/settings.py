"""How a log behaves: every number that an operator may turn, with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Settings of one log. Times in seconds, sizes in bytes.

    `raw_leaves` makes it a plain transparency log whose ``POST /add`` takes any leaf up to 65,535 bytes;
    otherwise a leaf is the 32-byte commitment to a sealed entry, and ``POST /add`` takes none, unless with
    `sealed_by_producers`: then whoever may append can log leaves whose entries this log never sees.
    `fail_open` publishes checkpoints whose quorum was not met in time; the default is to publish nothing new until it
    is. `sealing_processes` seal
    large requests beside the serving process; 0 seals everything in it. A witness that missed a checkpoint is
    asked again every `catch_up_interval` while the log is quiet. With `second_person`, somebody else must approve
    what destroys data or lifts a hold by hand, or grants access. Retention runs every `retention_interval`.
    Each principal has `request_burst` requests, filled again by `requests_per_second`; appends do not count.
    Who is turned away is answered once that is logged, which is at most every `refusals_interval`.
    Every `drill_interval` (0: never) the log drills `drill_records` records, each of which must be found and proved
    within `drill_limit`.
    """

    raw_leaves: bool = False
    sealed_by_producers: bool = False
    fail_open: bool = False
    checkpoint_interval: float = 0.5
    quorum_timeout: float = 5.0
    catch_up_interval: float = 10.0
    max_pending_entries: int = 20_000
    max_pending_bytes: int = 64 << 20
    max_group: int = 4_000
    sealing_processes: int = 2
    cached_tiles: int = 4_096
    second_person: bool = False
    retention_interval: float = 3600.0
    requests_per_second: float = 100.0
    request_burst: int = 1_000
    refusals_interval: float = 1.0
    drill_interval: float = 604_800.0
    drill_records: int = 5
    drill_limit: float = 5.0
