"""The demo's cast: about 25 who act, and 2,000 whose data they touch. Everybody is made up, from a seed.

Family names are put together from two halves, so that they are nobody's; addresses are from the ranges kept for
private networks (RFC 1918) and documentation (RFC 5737).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tlog.audit.entry import Actor

PATIENTS: Final = 800
CUSTOMERS: Final = 1200

_GIVEN: Final = (
    "Ada Alma Anouk Arne Aylin Bela Bruno Carla Cem Dario Edda Elif Emil Enno Farah Finn Greta Hana Henk Ida "
    "Ilja Ines Jaro Jona Juna Kaja Karim Lena Levin Lio Mara Mika Milan Nora Noor Oda Otis Pia Ravi Romy "
    "Sami Selma Sina Taro Thea Tilda Uma Vera Wim Yara Yusuf Zoe"
)
_FRONT: Final = "Alder Bram Corn Dorn Eber Fenn Grau Hasel Ilm Kolk Lind Moor Nebel Otter Quell Ried Stern Tann"
_BACK: Final = "acker bekk dahl egger feldt garde hoven keil lund mark nauer rath sieben thal vorn wick"
_NAME_PARTS: Final = tuple(names.split() for names in (_GIVEN, _FRONT, _BACK))
_STAFF: Final = (
    ("clinic", "physician", 4),
    ("clinic", "nurse", 5),
    ("clinic", "receptionist", 2),
    ("clinic", "lab-technician", 1),
    ("clinic", "billing-clerk", 1),
    ("clinic", "records-officer", 1),
    ("shop", "support-agent", 4),
    ("shop", "warehouse-clerk", 2),
    ("shop", "fraud-analyst", 1),
    ("shop", "marketing-analyst", 1),
    ("shop", "privacy-officer", 1),
)
_SERVICES: Final = (
    ("clinic", "lab-gateway"),
    ("clinic", "retention-job"),
    ("shop", "checkout"),
    ("shop", "billing-job"),
    ("shop", "mailer"),
)
BROWSERS: Final = ("Firefox/128.0", "Chrome/126.0", "Safari/17.5")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose personal data are touched: a patient's or customer's number and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Who appears: actors by (source, role), and the data subjects of each source, the most active first."""

    actors: dict[tuple[str, str], tuple[Actor, ...]]
    subjects: dict[str, tuple[Person, ...]]


def make_cast(random: Random) -> Cast:
    """Return the cast of a seeded `random`."""
    actors: dict[tuple[str, str], tuple[Actor, ...]] = {}
    for source, role, count in _STAFF:
        actors[source, role] = tuple(_employee(random, source, role, number) for number in range(count))
    for number, (source, role) in enumerate(_SERVICES):
        address = f"10.{40 + len(source)}.0.{10 + number}"
        actors[source, role] = (Actor(type="service", id=f"svc-{role}", role=role, ip=address),)
    subjects = {
        "clinic": tuple(Person(f"patient-{104_000 + 7 * n}", _name(random)) for n in range(PATIENTS)),
        "shop": tuple(Person(f"customer-{20_000 + 3 * n}", _name(random)) for n in range(CUSTOMERS)),
    }
    return Cast(actors, subjects)


def _employee(random: Random, source: str, role: str, number: int) -> Actor:
    return Actor(
        type="employee",
        id=f"{source[0]}-{role}-{number + 1}",
        name=_name(random),
        role=role,
        ip=f"10.{20 + len(source)}.{random.randrange(4)}.{random.randrange(2, 250)}",
    )


def _name(random: Random) -> str:
    given, front, back = (random.choice(parts) for parts in _NAME_PARTS)
    return f"{given} {front}{back}"
