"""What a person is told of an entry that names them (Art. 15 GDPR; CJEU C-579/21).

* Who acted is shown by category: type, role, organization. Never their id, name, address, program or session.
* Unless it was the person: an actor of the same id whose type is one of `SELF_TYPES` is `yourself`, and of that name,
  address and program are shown. The session is not: it may still open something.
* Of the subjects only the person's own `data` are shown; whether there are others, not how many.
* Targets are shown by type; their ids and names, and `details`, only where the officer asks for it.
* What names somebody who acted, or another subject, is left out of *every* text: purpose, legal basis, role,
  organization, data, targets and details. It is found by the ids and names (`names_of`) that the entries of the export
  have; of other people nothing is known.

`MACHINES` are types of actors who are no people: their ids and names are not looked for in texts, else the purpose
"billing" would be left out because a service is called so. A `token` is often named as its service, too; who
authorised what it did is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from tlog.audit.layout import CORE_SCALARS
from tlog.audit.naming import Names
from tlog.audit.opened import OpenedEntry
from tlog.audit.part import ACTOR, SHARED, subject_label
from tlog.audit.subject_access import AccessActor, AccessEntry, AccessTarget, ErasedGroup, NamedAs
from tlog.errors import MalformedDisclosure

SELF_TYPES: Final = ("subject", "data-subject", "patient", "customer", "citizen")
MACHINES: Final = frozenset({"service", "system", "device", "job"})
LEFT_OUT: Final = "[left out: names somebody else]"

_PROVED_CORE: Final = frozenset(CORE_SCALARS) - {"schema", "id", "seq"} | {"received_at"}
_PROVED_ACTOR: Final = ("type", "role", "organization")
_OWN: Final = ("name", "ip", "user_agent")
_HIDDEN_ACTOR: Final = ("id", "name", "ip", "user_agent", "session")
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(MACHINES, ("ip", "user_agent", "session")),
    "token": ("name", "ip", "user_agent", "session"),
}
"""What would tell who acted, by the type of actor; of any other type all that is hidden."""
_ERASED: Final[Mapping[str, ErasedGroup]] = {ACTOR: "actor", SHARED: "shared"}
T = TypeVar("T")


def names_of(person: str, opened: OpenedEntry) -> Iterator[str]:
    """Yield what would tell who else is in an entry: of who acted, unless it was the person, and of other subjects."""
    actor: Mapping[str, Any] = opened.entry.get("actor") or {}
    if not _is_person(person, actor):
        told = {name: actor.get(name) or "" for name in _TELLING.get(actor.get("type", ""), _HIDDEN_ACTOR)}
        yield from told.values()
        yield _untitled(told.get("name", ""))
    yield from (subject["id"] for subject in opened.entry.get("subjects") or () if subject and subject["id"] != person)


def _is_person(person: str, actor: Mapping[str, Any]) -> bool:
    return actor.get("id") == person and actor.get("type") in SELF_TYPES


def _untitled(name: str) -> str:
    """Return a name without its titles: of Dr. Ada Example, Ada Example."""
    return " ".join(word for word in name.split() if not word.endswith("."))


class View(NamedTuple):
    """An entry as the person sees it, and which of its fields evidence may disclose without showing more."""

    entry: AccessEntry
    provable: frozenset[str]


class Viewer:
    """Shows the entries that name one person."""

    def __init__(self, person: str, names: Iterable[str], *, include_details: bool) -> None:
        """`person` is the subject's id; `names` are those of everybody else (`names_of`), which no text may hold."""
        self._person = person
        self._names = Names(name for name in names if name != person)
        self._include_details = include_details

    def view(self, index: int, opened: OpenedEntry, expires_at: str | None) -> View:
        """Return what the person is told of an entry. Raises `MalformedDisclosure` for one that does not name them."""
        return _OneEntry(self._person, self._names, opened, self._include_details).view(index, expires_at)


class _OneEntry:
    def __init__(self, person: str, names: Names, opened: OpenedEntry, include_details: bool) -> None:
        self._names = names
        self._opened = opened
        self._said = opened.entry
        self._include_details = include_details
        self._actor: Mapping[str, Any] = self._said.get("actor") or {}
        self._subjects: Sequence[Mapping[str, Any] | None] = self._said.get("subjects") or ()
        self._place = next((i for i, subject in enumerate(self._subjects) if subject and subject["id"] == person), None)
        self._is_actor = _is_person(person, self._actor)
        self._left_out: list[str] = []
        self._masked: set[str] = set()

    def view(self, index: int, expires_at: str | None) -> View:
        said = self._said
        actor, data, targets = self._shown_actor(), self._data(), self._targets()
        purpose = self._text("purpose", said["purpose"])
        legal_basis = self._text("legal_basis", said.get("legal_basis"))
        details = self._details()
        self._left_out += [name for name in ("authorization", "correlation") if name in said]
        entry = AccessEntry(
            index=index,
            occurred_at=said["occurred_at"],
            received_at=said["received_at"],
            source=said["source"],
            action=said["action"],
            crud=said.get("crud"),
            outcome=said["outcome"],
            purpose=purpose,
            legal_basis=legal_basis,
            actor=actor,
            named_as=self._named_as(),
            data=data,
            targets=targets,
            details=details,
            others=len(self._subjects) > (self._place is not None),
            retention=said["retention"],
            expires_at=expires_at,
            erased=[_ERASED[label] for label in self._opened.erased if label in _ERASED],
            left_out=self._left_out,
        )
        return View(entry, self._provable())

    def _named_as(self) -> list[NamedAs]:
        roles: list[NamedAs] = ["subject"] if self._place is not None else []
        if self._is_actor:
            roles.append("actor")
        if not roles:
            raise MalformedDisclosure("the entry does not name the person whom it is filed under")
        return roles

    def _shown_actor(self) -> AccessActor | None:
        if not self._actor:
            return None
        own = {name: self._actor.get(name) for name in _OWN} if self._is_actor else {}
        hidden = ("session",) if self._is_actor else _HIDDEN_ACTOR
        self._left_out += [f"actor.{name}" for name in hidden if name in self._actor]
        return AccessActor(
            type=self._actor["type"],
            role=self._text("actor.role", self._actor.get("role")),
            organization=self._text("actor.organization", self._actor.get("organization")),
            yourself=self._is_actor,
            **own,
        )

    def _data(self) -> dict[str, Any] | None:
        if self._place is None:
            return None
        subject = self._subjects[self._place] or {}
        return self._masked_value(subject_label(self._place), "data", subject.get("data"))

    def _targets(self) -> list[AccessTarget]:
        given: Sequence[Mapping[str, Any]] = self._said.get("targets") or ()
        if self._include_details:
            named = [[target["id"], target.get("name")] for target in given]
            masked = self._masked_value("targets", "targets", named)
            pairs = zip(given, masked, strict=True)
            return [AccessTarget(type=target["type"], id=id_, name=name) for target, (id_, name) in pairs]
        if given:
            self._left_out += ["targets.id"] + ["targets.name"] * any("name" in target for target in given)
        return [AccessTarget(type=kind) for kind in dict.fromkeys(target["type"] for target in given)]

    def _details(self) -> dict[str, Any] | None:
        details: dict[str, Any] | None = self._said.get("details")
        if details is not None and not self._include_details:
            self._left_out.append("details")
            return None
        return self._masked_value("details", "details", details)

    def _text(self, name: str, text: str | None) -> str | None:
        if text is not None and self._names.are_in(text):
            self._left_out.append(name)
            self._masked.add(name)
            return None
        return text

    def _masked_value(self, field: str, said: str, value: T) -> T:
        masked: T = self._without_others(value)
        if masked != value:
            self._left_out.append(f"{said} (in part)")
            self._masked.add(field)
        return masked

    def _without_others(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._without_others(name): self._without_others(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._without_others(member) for member in value]
        if isinstance(value, str):
            return LEFT_OUT if self._names.are_in(value) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return LEFT_OUT if self._names.are_in(str(value)) else value
        return value

    def _provable(self) -> frozenset[str]:
        actor = [*_PROVED_ACTOR, *(("id", *_OWN) if self._is_actor else ())]
        fields = {*_PROVED_CORE, *(f"actor.{name}" for name in actor)}
        if self._place is not None:
            fields.add(subject_label(self._place))
        if self._include_details:
            fields |= {"targets", "details"}
        return frozenset(fields) - self._masked
