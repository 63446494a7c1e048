"""Believable audit entries without end, the same for the same seed and times.

    generator = EntryGenerator(seed=1)
    generator.next(at)          # the entry that happens at `at`, µs since the epoch; call with growing times

Several episodes are under way at once, so their acts interleave as in life. Each source counts `seq` from 0
without a gap. Every outcome occurs; an act that was denied or failed ends its episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

import msgspec

from tlog.audit.entry import Actor, Authorization, Correlation, Entry, Subject, Target
from tlog.audit.fields import instant
from tlog.cli.demo.people import BROWSERS, Cast, Person, make_cast
from tlog.cli.demo.scenes import EPISODES, SOURCES, Act, Episode

Outcome = Literal["allowed", "denied", "failed"]
_UNDER_WAY: Final = 12
_WEIGHTS: Final = [episode.weight for episode in EPISODES]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Story:
    """An episode under way: whose data, in which session, and which acts are still to come."""

    episode: Episode
    person: Person
    trace_id: str
    target_number: int
    acts: list[Act]
    team: dict[str, Actor] = field(default_factory=dict)


class EntryGenerator:
    """Makes entries one by one."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a play, not a secret
        self.cast: Cast = make_cast(self._random)
        self._seq = dict.fromkeys(SOURCES, 0)
        self._stories = [self._begin() for _ in range(_UNDER_WAY)]

    def next(self, at: int) -> Entry:
        """Return the entry of the time `at` in microseconds since the epoch."""
        place = self._random.randrange(len(self._stories))
        story = self._stories[place]
        act = story.acts.pop(0)
        outcome = self._outcome(act)
        entry = self._entry(at, story, act, outcome)
        if not story.acts or outcome != "allowed":
            self._stories[place] = self._begin()
        return entry

    def _begin(self) -> _Story:
        random = self._random
        [episode] = random.choices(EPISODES, _WEIGHTS)
        person = self._person(episode.source)
        return _Story(episode, person, f"{random.getrandbits(128):032x}", random.randrange(10**6), list(episode.acts))

    def _entry(self, at: int, story: _Story, act: Act, outcome: Outcome) -> Entry:
        source = story.episode.source
        seq = self._seq[source]
        self._seq[source] = seq + 1
        return Entry(
            schema=1,
            id=self._id(at),
            source=source,
            seq=seq,
            occurred_at=instant(at),
            actor=self._actor(source, act, story),
            action=act.action,
            outcome=outcome,
            purpose=act.purpose,
            targets=(Target(type=act.target, id=f"{act.target}-{story.target_number}"),),
            subjects=self._subjects(source, act, story.person),
            legal_basis=act.legal_basis if self._sometimes() else None,
            authorization=self._authorization(act, outcome),
            crud=act.crud if self._sometimes() else None,
            correlation=self._correlation(source, story),
            retention=act.retention,
            details=self._details(act, outcome),
        )

    def _actor(self, source: str, act: Act, story: _Story) -> Actor:
        role = self._random.choice(act.roles)
        actor = story.team.setdefault(role, self._random.choice(self.cast.actors[source, role]))
        if actor.type == "service" or self._sometimes():
            return actor
        browser = {"user_agent": self._random.choice(BROWSERS)} if self._sometimes() else {}
        return msgspec.structs.replace(actor, session=f"s-{story.trace_id[:6]}{actor.id[-1]}", **browser)

    def _correlation(self, source: str, story: _Story) -> Correlation | None:
        if not self._sometimes():
            return None
        if source == "shop":  # the shop's services are traced, the clinic's number their requests
            return Correlation(trace_id=story.trace_id)
        return Correlation(request_id=f"r-{self._random.getrandbits(32):08x}")

    def _sometimes(self) -> bool:
        return self._random.random() < 0.5

    def _subjects(self, source: str, act: Act, person: Person) -> tuple[Subject, ...]:
        count = self._random.randint(*act.people)
        people = {person.id: person} if count else {}
        while len(people) < count:
            other = self._person(source)
            people[other.id] = other
        if count == 1 and act.fields:
            seen = {"name": person.name} if self._sometimes() else {"fields": act.fields}
            return (Subject(id=person.id, data=_raw(seen)),)
        return tuple(Subject(id=identifier) for identifier in people)

    def _person(self, source: str) -> Person:
        people = self.cast.subjects[source]
        return people[int(len(people) * self._random.random() ** 1.6)]  # some come often, some hardly ever

    def _authorization(self, act: Act, outcome: Outcome) -> Authorization | None:
        if outcome == "allowed" and act.granted_by is None and self._sometimes():
            return None
        granted_by = act.granted_by if outcome == "allowed" else None
        decision = None if outcome == "allowed" else f"d-{self._random.getrandbits(32):08x}"
        return Authorization(policy=act.policy, decision_id=decision, granted_by=granted_by)

    def _details(self, act: Act, outcome: Outcome) -> msgspec.Raw | msgspec.UnsetType:
        details = {} if act.details is None else act.details(self._random)
        if outcome == "failed":
            details["error"] = self._random.choice(("timeout", "upstream unavailable", "record locked"))
        elif outcome == "denied":
            details["rule"] = f"{act.policy}/{self._random.randrange(1, 9)}"
        return _raw(details) if details else msgspec.UNSET

    def _outcome(self, act: Act) -> Outcome:
        chance = self._random.random()
        if chance < act.denied:
            return "denied"
        return "failed" if chance < act.denied + act.failed else "allowed"

    def _id(self, at: int) -> str:
        # RFC 9562 section 5.7: 48 bits of Unix milliseconds, version 7, variant 0b10, the rest random.
        value = at // 1000 << 80 | 7 << 76 | self._random.getrandbits(12) << 64 | 2 << 62 | self._random.getrandbits(62)
        text = f"{value:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def working_hours(random: Random, end: int, count: int, seconds: float = 2.5) -> Iterator[int]:
    """Yield `count` growing times in µs since the epoch, the last before `end`, `seconds` apart on average."""
    gaps = [1 + int(random.expovariate(1 / seconds) * 1_000_000) for _ in range(count)]
    at = end - sum(gaps) - 1
    for gap in gaps:
        at += gap
        yield at


def to_json(entry: Entry) -> bytes:
    """Return an entry as the JSON document a service sends."""
    return _encode(entry)


def _raw(value: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
