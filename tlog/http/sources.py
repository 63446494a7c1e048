"""Sources: what each sent, and which of its numbers are missing.

    GET /v1/sources     for auditors, data protection officers and admins; who is limited to sources sees these

Numbers run through all classes of a source: who is limited to classes is refused. The log's own numbers, under the
source `tlog`, are for who sees its own entries.

A source numbers its entries without gaps. After a start the numbers are read once, in the background: until then the
answer is 503 with Retry-After.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.audit.fields import instant
from tlog.errors import Forbidden, Unavailable
from tlog.http.answers.answer import json_answer
from tlog.http.answers.sources import GapAnswer, SourceAnswer, SourceList
from tlog.http.noted import principal_of
from tlog.http.query import parse_query
from tlog.service.completeness import GapKind, SourceReport
from tlog.service.log import Log
from tlog.storage.roles import RowScope

PATIENCE_SECONDS: Final = 5.0


class SourceRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def all(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/sources`."""
        parse_query(request)
        within([], principal_of(request).scope)  # first: who is refused does not wait
        reports = await self._log.completeness.reports(PATIENCE_SECONDS)
        if reports is None:
            raise Unavailable("the numbers of all sources are being read; ask again in a little while")
        shown = within(reports, principal_of(request).scope)
        return json_answer(SourceList(sources=[_answer(report) for report in shown]))


def within(reports: list[SourceReport], scope: RowScope) -> list[SourceReport]:
    """Return the reports of the sources that somebody may know of. Raises `Forbidden` for who is limited to classes."""
    if scope.classes is not None:
        raise Forbidden(f"numbers run through all classes of a source, and you are limited to {scope}")
    return [report for report in reports if scope.covers(report.source, None)]


def _answer(report: SourceReport) -> SourceAnswer:
    return SourceAnswer(
        source=report.source,
        first_seq=report.first_seq,
        last_seq=report.last_seq,
        last_received_at=instant(report.last_received_at),
        missing=report.missing(),
        late=report.missing(GapKind.LATE),
        checked_to=report.checked_to,
        gaps=[
            GapAnswer(first=gap.first, last=gap.last, kind=gap.kind.value, seen_at=instant(gap.seen_at))
            for gap in report.gaps
        ],
    )
