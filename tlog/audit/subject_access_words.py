"""What an export does not hold, and why, in words for the person whom it is about."""

from __future__ import annotations

from tlog.audit.subject_access import NotIncluded


def not_included(*, include_details: bool, limited_to: str | None = None) -> list[NotIncluded]:
    """Return what is never in an export, and what is not in this one."""
    limits = () if limited_to is None else (_limited(limited_to),)
    return [*(_ALWAYS if include_details else (*_ALWAYS, *_DETAILS)), *limits, *_OF_THE_LOG]


def notice_of(*, known: bool, found: bool, limited_to: str | None = None) -> str | None:
    """Return in words that a file has no entries, None where it has some (`found`). `known`: another file would."""
    if found:
        return None
    which = "" if limited_to is None else f" among those of {limited_to}"
    return f"This log has no entries about you{which}{' in this period' * known}."


def _limited(limited_to: str) -> NotIncluded:
    return NotIncluded(
        what=f"Entries other than those of {limited_to}.",
        why="Whoever made this file may read no others. Ask the office in charge of those, too.",
    )


_ALWAYS = (
    NotIncluded(
        what="The names, ids, addresses and sessions of the employees or services that acted.",
        why="They are personal data of others. Shown is their category: type, role, organization.",
    ),
    NotIncluded(
        what="Other people whom an entry names.",
        why="Their data are theirs. It is only said that there are others.",
    ),
    NotIncluded(
        what="Texts, or parts of them, that name who acted or another person of the same entry.",
        why="They would tell what the two lines above leave out. Each such place is marked.",
    ),
    NotIncluded(
        what="Which rule allowed an action, and identifiers that lead to other systems' records of the same request.",
        why="They are no data about you, and may lead to others.",
    ),
)
_DETAILS = (
    NotIncluded(
        what="Free details of an entry, and the ids and names of what was acted on.",
        why="They may name others. Ask for them; a person then has to read them first.",
    ),
)
_OF_THE_LOG = (
    NotIncluded(
        what="Who looked at these entries, or looked you up, in this log.",
        why="That record is kept apart. Ask for it: the office in charge can look it up (/v1/access) and tell you.",
    ),
    NotIncluded(
        what="Entries whose retention period ended, and what was erased before this file was made.",
        why="They can't be read any more, by anybody.",
    ),
    NotIncluded(
        what="Entries that came after the tree size stated above.",
        why="This file is complete up to there. Ask again for later ones.",
    ),
    NotIncluded(
        what="Entries that know you by another id, or by the same id written in another way.",
        why="The log knows people by the exact characters of one id. Ask for each id that you have.",
    ),
    NotIncluded(
        what="Whether an entry must be kept beyond its date.",
        why="It may be part of a procedure that concerns others. An entry can also stay until the next run.",
    ),
)
