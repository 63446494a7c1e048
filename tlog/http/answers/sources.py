"""What `GET /v1/sources` answers."""

from __future__ import annotations

from typing import Literal

from tlog.http.answers.answer import Answer, Size, Time


class GapAnswer(Answer, frozen=True, kw_only=True):
    """Numbers `first` to `last` that no entry has. `seen_at`: when the entry behind them came.

    `late`: a moment ago. `expired or missing`: entries beside them expired, and nobody can say any more.
    """

    first: Size
    last: Size
    kind: Literal["late", "missing", "expired or missing"]
    seen_at: Time


class SourceAnswer(Answer, frozen=True, kw_only=True):
    """A source. `missing` and `late` count numbers; they are known up to `checked_to`."""

    source: str
    first_seq: Size
    last_seq: Size
    last_received_at: Time
    missing: Size
    late: Size
    checked_to: Size
    gaps: list[GapAnswer]


class SourceList(Answer, frozen=True, kw_only=True):
    """Every source that ever sent an entry which is still here, by name."""

    sources: list[SourceAnswer]
