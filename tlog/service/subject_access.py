"""Exports for data subjects: every entry about one person, up to a tree size, or a refusal.

Everything is read twice: first for the names of everybody else, which no text of the file may hold, then to be shown.

The person is looked up as a subject, and as an actor of the types that a subject acts under (`SELF_TYPES`), in pages,
newest first. Entries that come meanwhile have indices beyond the tree size, so they change nothing. An erasure that
comes meanwhile takes the person's key from the look-up, which then finds no more: so the keys are compared afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import msgspec

from tlog.audit.evidence import MAX_BYTES as MAX_EVIDENCE_BYTES
from tlog.audit.evidence import Evidence, EvidenceEntry
from tlog.audit.fields import instant
from tlog.audit.naming import names_person
from tlog.audit.subject_access import (
    FORMAT,
    MAX_ENTRIES,
    RetentionPeriod,
    SubjectAccess,
)
from tlog.audit.subject_access_summary import summary_of
from tlog.audit.subject_access_view import SELF_TYPES, Viewer, names_of
from tlog.audit.subject_access_words import not_included, notice_of
from tlog.errors import BadRequest, TlogError, TooLarge, Unavailable
from tlog.service.collected_access import FEWER, CollectedAccess
from tlog.service.entries import stored_cohort
from tlog.service.evidence import EvidenceMaker
from tlog.service.lookup import LookUp, Page
from tlog.service.lookup_filters import Filters
from tlog.service.retention_rules import RetentionClasses, parse_cohort
from tlog.storage.log_store import StoredEntry
from tlog.storage.lookup.conditions import Window
from tlog.storage.roles import EVERYTHING, RowScope

PAGE: Final = 500


@dataclass(frozen=True, slots=True, repr=False)
class AccessRequest:
    """Whose entries, over which period (of `occurred_at`), what of them, and on whose authority.

    `scope` is what whoever asks may read: the file holds no more, and says so.
    """

    subject: str
    authorised_by: str
    period: Window | None = None
    include_details: bool = False
    evidence: bool = False
    scope: RowScope = EVERYTHING

    @property
    def limited_to(self) -> str | None:
        """The scope in words; None where it is the whole log."""
        return str(self.scope) if self.scope.is_limited else None

    def check(self) -> None:
        """Raise `BadRequest` where a text that stays when the person is erased names them."""
        if names_person(self.authorised_by, self.subject):
            raise BadRequest("authorised_by: it contains the person's id, and would outlive their erasure")


@dataclass(frozen=True, slots=True)
class Made:
    """An export, and evidence of its readable entries where that was asked for and there are any."""

    export: SubjectAccess
    evidence: Evidence | None


class SubjectAccessMaker:
    """Makes exports of one log. Methods block."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it joins
        self,
        lookup: LookUp,
        classes: RetentionClasses,
        origin: str,
        evidence: EvidenceMaker,
        now: Callable[[], int],
        page: int = PAGE,
    ) -> None:
        """`now` returns microseconds since the epoch; `page` is how many entries are looked up at once."""
        self._lookup = lookup
        self._classes = classes
        self._origin = origin
        self._evidence = evidence
        self._now = now
        self._page = page

    def make(self, asked: AccessRequest, tree_size: int, act: bytes) -> Made:
        """Return the export of the entries below `tree_size`; `act` names its own entry.

        Raises `TooLarge` where there are more than one file holds, `Unavailable` where the person's keys changed
        meanwhile, and what look-up and evidence raise.
        """
        roles = _roles(asked)
        keys = [self._lookup.person_keys(filters) for filters in roles]
        names = self._names(asked, roles)
        viewer = Viewer(asked.subject, names, include_details=asked.include_details)
        collected = CollectedAccess(viewer, self._expires_at)
        for filters in roles:
            self._collect(self._pages(filters, asked.scope), tree_size, collected, keep=asked.evidence)
        if any(key and key != self._lookup.person_keys(role) for key, role in zip(keys, roles, strict=True)):
            raise Unavailable("this person was erased, or given another key, while the export was made; ask again")
        export = self._export(asked, tree_size, act, collected)
        return Made(export, self._prove(collected) if asked.evidence and collected.views else None)

    def _names(self, asked: AccessRequest, roles: Sequence[Filters]) -> set[str]:
        """Return the names of everybody else in the person's entries. Read twice, they need not be kept."""
        names: set[str] = set()
        pages = (page for filters in roles for page in self._pages(filters, asked.scope))
        for number, found in enumerate(found for page in pages for found in page.entries):
            if number > 2 * MAX_ENTRIES:  # one may be found in two roles
                raise TooLarge(f"over {MAX_ENTRIES} entries are about this person; {FEWER}")
            if not isinstance(found.opened, TlogError):
                names.update(names_of(asked.subject, found.opened))
        return names

    def _collect(self, pages: Iterable[Page], tree_size: int, collected: CollectedAccess, *, keep: bool) -> None:
        for page in pages:
            for found in page.entries:
                if found.stored.index < tree_size:
                    collected.add(found, keep=keep)
            for index in page.lost:
                if index < tree_size:
                    collected.add_lost(index)

    def _pages(self, filters: Filters, scope: RowScope) -> Iterator[Page]:
        cursor = None
        while True:
            page = self._lookup.page(filters, cursor, self._page, scope)
            yield page
            cursor = page.next
            if cursor is None:
                return

    def _expires_at(self, stored: StoredEntry) -> str | None:
        end = parse_cohort(stored_cohort(stored)).expires_at(self._classes)
        return None if end is None else instant(end)

    def _is_known(self, asked: AccessRequest) -> bool:
        """Tell whether any entry that may be read, of whatever time, is about the person."""
        always = _roles(replace(asked, period=None))
        return any(page.entries or page.lost for filters in always for page in self._pages(filters, asked.scope))

    def _export(self, asked: AccessRequest, tree_size: int, act: bytes, found: CollectedAccess) -> SubjectAccess:
        entries = [view.entry for _, view in sorted(found.views.items())]
        period, any_found = asked.period or Window(), bool(entries or found.unreadable)
        known = any_found or self._is_known(asked)
        return SubjectAccess(
            format=FORMAT,
            origin=self._origin,
            made_at=instant(self._now()),
            act=str(UUID(bytes=act)),
            subject=asked.subject,
            known=known,
            notice=notice_of(known=known, found=any_found, limited_to=asked.limited_to),
            tree_size=tree_size,
            start=None if period.start is None else instant(period.start),
            end=None if period.end is None else instant(period.end),
            limited_to=asked.limited_to,
            include_details=asked.include_details,
            retention=_periods(self._classes),
            summary=summary_of(entries),
            entries=entries,
            unreadable=[item for _, item in sorted(found.unreadable.items())],
            not_included=not_included(include_details=asked.include_details, limited_to=asked.limited_to),
        )

    def _prove(self, found: CollectedAccess) -> Evidence:
        evidence = self._evidence.make([found.provable[index] for index in sorted(found.provable)])
        shown = [_only(entry, found.views[entry.index].provable) for entry in evidence.entries]
        evidence = msgspec.structs.replace(evidence, entries=shown)
        if len(evidence.encode()) > MAX_EVIDENCE_BYTES:
            raise TooLarge(f"the evidence has more than {MAX_EVIDENCE_BYTES} bytes; {FEWER}")
        return evidence


def _roles(asked: AccessRequest) -> list[Filters]:
    subject = Filters(subject=asked.subject, occurred=asked.period)
    return [subject, *(Filters(actor=(kind, asked.subject), occurred=asked.period) for kind in SELF_TYPES)]


def _periods(classes: RetentionClasses) -> list[RetentionPeriod]:
    kept = sorted(classes.values(), key=lambda period: period.name)
    return [RetentionPeriod(name=period.name, months=period.months, reason=period.reason) for period in kept]


def _only(entry: EvidenceEntry, provable: frozenset[str]) -> EvidenceEntry:
    return entry.redacted(lambda name: name not in provable)
