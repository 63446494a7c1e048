"""An entry for people: its fields in groups, and for each group that was erased, when and by which act. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tlog.audit.part import ACTOR, SHARED, subject_label
from tlog.audit.printable import printable_json
from tlog.http.answers.entries import EntryAnswer, ErasedPartAnswer
from web.field_words import WORDS

_WHAT: Final = ("action", "outcome", "crud", "purpose", "legal_basis")
_WHEN: Final = ("occurred_at", "received_at", "source", "seq", "id", "retention", "schema")
_SHOWABLE: Final = (
    ("core", "What happened, when, on what authority"),
    ("actor", "Who acted"),
    ("subjects", "Whose data"),
    ("targets", "Targets"),
    ("details", "Details"),
    ("correlation", "Trace and request"),
)
_TIMES: Final = frozenset({"occurred_at", "received_at"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in the entry, what it is called, and its value as text. `form` is how to set it."""

    name: str
    word: str
    value: str
    form: str


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together, or the erasure that took them."""

    title: str
    fields: tuple[Field, ...]
    erased: ErasedPartAnswer | None = None
    gone: bool = False


def entry_groups(answer: EntryAnswer) -> list[Group]:
    """Return the groups of an entry in the order of reading."""
    entry = answer.entry
    groups = [
        Group("What happened", _fields(entry, _WHAT) + _members(entry.get("authorization"), "authorization")),
        _part(answer, ACTOR, "Who acted", _members(entry.get("actor"), "actor")),
    ]
    groups += _subjects(answer)
    shared = _part(answer, SHARED, "On what", _shared(entry))
    if shared.gone or shared.fields:
        groups.append(shared)
    groups.append(Group("When and where logged", _fields(entry, _WHEN)))
    return _joined(groups)


def _joined(groups: list[Group]) -> list[Group]:
    """Return the groups with those as one that one act erased at one time: it is said once."""
    made: list[Group] = []
    for group in groups:
        before = made[-1] if made else None
        if before is not None and before.gone and group.gone and _act(before) == _act(group):
            made[-1] = replace(before, title=f"{before.title}; {group.title[0].lower()}{group.title[1:]}")
        else:
            made.append(group)
    return made


def _act(group: Group) -> tuple[str | None, str | None]:
    return (None, None) if group.erased is None else (group.erased.act, group.erased.at)


def showable(answer: EntryAnswer) -> list[tuple[str, str]]:
    """Return what evidence of an entry can show, as (name to disclose, word): what it has and what was not erased."""
    there = {name for name in ("targets", "details", "correlation", "actor") if answer.entry.get(name)} | {"core"}
    if any(answer.entry.get("subjects") or ()):
        there.add("subjects")
    return [(name, word) for name, word in _SHOWABLE if name in there]


def _subjects(answer: EntryAnswer) -> list[Group]:
    """Return one group of those who can be read, and one for each who was erased."""
    subjects = answer.entry.get("subjects") or ()
    shown: list[Field] = []
    gone = []
    for number, subject in enumerate(subjects):
        label, many = subject_label(number), len(subjects) > 1
        if label in answer.erased:
            gone.append(_part(answer, label, f"Whose data, person {number + 1}" if many else "Whose data", ()))
            continue
        shown.append(Field(label, f"Person {number + 1}" if many else "Person", subject["id"], "text"))
        if "data" in subject:
            shown.append(Field(f"{label}.data", "Data", _json(subject["data"]), "json"))
    return [*([Group("Whose data", tuple(shown))] if shown else []), *gone]


def _part(answer: EntryAnswer, label: str, title: str, fields: tuple[Field, ...]) -> Group:
    if label not in answer.erased:
        return Group(title, fields)
    return Group(title, (), next((each for each in answer.erasures if each.part == label), None), gone=True)


def _fields(entry: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(_field(name, name, entry[name]) for name in names if name in entry)


def _members(group: Mapping[str, Any] | None, prefix: str) -> tuple[Field, ...]:
    return tuple(_field(f"{prefix}.{name}", name, value) for name, value in (group or {}).items())


def _shared(entry: Mapping[str, Any]) -> tuple[Field, ...]:
    targets = entry.get("targets") or ()
    shown = [Field("targets", f"Target {number}", _target(each), "text") for number, each in enumerate(targets, 1)]
    if "details" in entry:
        shown.append(Field("details", "Details", _json(entry["details"]), "json"))
    return (*shown, *_members(entry.get("correlation"), "correlation"))


def _target(target: Mapping[str, Any]) -> str:
    name = f", {target['name']}" if target.get("name") else ""
    return f"{target['type']} {target['id']}{name}"


def _field(name: str, short: str, value: Any) -> Field:
    word = WORDS.get(short, short)
    if short in _TIMES:
        return Field(name, word, str(value), "time")
    if isinstance(value, dict | list):
        return Field(name, word, _json(value), "json")
    return Field(name, word, str(value), "text")


def _json(value: Any) -> str:
    return printable_json(json.dumps(value, ensure_ascii=False, indent=1))
