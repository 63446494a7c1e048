"""What the forms call the members of the HTTP interface, so that a refusal names what stands on the page. Pure.

A refusal names a member at its start (`days: from 1 to 3660`), by its path (`actor.type`), or within its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tlog.http.answers.problem import Problem

Labels = Mapping[str, str]
_NONE: Final[Labels] = {}
LABELS: Final[Labels] = {
    "action": "Action",
    "actor.id": "Actor's id",
    "actor.type": "Actor's type",
    "actor_id": "Actor's id",
    "actor_type": "Actor's type",
    "authorised_by": "Authorised by",
    "by_case": "Entries that name the case",
    "case": "Case",
    "classes": "Only these retention classes",
    "correlation": "Trace or request id",
    "credential": "Kind",
    "days": "Valid for days",
    "disclose": "What it shows",
    "format": "As",
    "ground": "Ground of Art. 17(3)",
    "hold": "Number of the hold",
    "include_details": "With details",
    "index": "Index of the entry",
    "kind": "Kind",
    "legal_basis": "Legal basis",
    "name": "Name",
    "occurred_from": "Occurred from",
    "occurred_to": "Occurred before",
    "outcome": "Outcome",
    "reason": "Reason",
    "received_from": "Received from",
    "received_to": "Received before",
    "retention": "Retention class",
    "roles": "Roles",
    "source": "Source",
    "sources": "Only these sources",
    "subject": "Person's id",
    "target_id": "Target's id",
    "target_type": "Target's type",
    "until": "Look ahead until",
}
_SENTENCES: Final = {
    "a hold needs a scope: subject, source, occurred_from, occurred_to or by_case": (
        "Say what it covers: a person, a source, a time, or the entries that name the case."
    ),
    "name either subject or actor": "Give either a person's id, or an actor's type and id.",
    "name either subject or index": "Give either the index of an entry, or a person's id.",
}
_START: Final = re.compile(r"(?P<path>[a-z_]+(?:\.[a-z_]+)?)(?P<place>\[\d+\])?: ")
_WITHIN: Final = re.compile(r"\b(?:" + "|".join(sorted(name for name in LABELS if "_" in name)) + r")\b")


def label_of(path: str, own: Labels = _NONE) -> str:
    """Return what a form calls a member, by its path; the path where no form has it. `own` are those of one page."""
    labels = {**LABELS, **own}
    return labels.get(path, labels.get(path.partition("[")[0], path))


def in_labels(text: str, own: Labels = _NONE) -> str:
    """Return a refusal with the labels of the forms, or of one page, instead of the names of members."""
    if text in _SENTENCES:
        return _SENTENCES[text]
    labels = {**LABELS, **own}
    found = _START.match(text)
    if found is not None and found["path"] in labels:
        text = f"{labels[found['path']]}: {text[found.end() :]}"
    return _WITHIN.sub(lambda name: f"“{labels[name[0]]}”", text)


def faults_of(problem: Problem | None, own: Labels = _NONE) -> dict[str, str]:
    """Return what is wrong with which field, by the name of the field; nothing where no field is named."""
    if problem is None:
        return {}
    if problem.errors:
        return {fault.path.partition("[")[0]: in_labels(fault.detail, own) for fault in problem.errors if fault.path}
    found = _START.match(problem.detail)
    return {} if found is None else {found["path"]: in_labels(problem.detail[found.end() :], own)}
