"""A log of 200 entries over 200 days, one a day, that ends today; and what somebody does to it behind its back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from tests.service.expired import Clock
from tests.service.test_erasure import append, settings
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.fields import instant
from tlog.service.log_parts import now_us
from tlog.storage.database import Database
from tlog.storage.tables import entries, personal, terms

DAY = 86_400_000_000
DAYS = 200


@asynccontextmanager
async def old_log(folder: Path, **options: Any) -> AsyncIterator[MadeLog]:
    """Make the log, then run it with the real clock for the length of a block."""
    await fill(folder, urls=options.get("urls"))
    async with running_log(folder, **{"settings": settings(), **options}) as made:
        yield made


async def fill(folder: Path, days: int = DAYS, **options: Any) -> None:
    """Append the entries, at noon of each day."""
    clock, today = Clock(), now_us() // DAY
    async with running_log(folder, settings=settings(), now=clock, **options) as made:
        for number in range(days):
            clock.moment = (today - days + number) * DAY + DAY // 2
            await append(made, document(number, clock.moment))
        await made.log.wait("witnessed", days)


def document(number: int, moment: int) -> dict[str, Any]:
    """Return an entry that is about somebody and something of its own."""
    return entry_document(
        occurred_at=instant(moment - 1_000_000),
        subjects=[{"id": f"p-{number}"}],
        targets=[{"type": "record", "id": f"r-{number}"}],
        actor={"type": "employee", "id": f"e-{number % 7}"},
    )


def remove_row(database: Database, index: int) -> None:
    """Remove an entry as if it had never been."""
    with database.write() as connection:
        connection.execute(delete(entries).where(entries.c.log_index == index))
        connection.execute(delete(personal).where(personal.c.log_index == index))
        connection.execute(delete(terms).where(terms.c.log_index == index))


def remove_personal(database: Database, index: int, part: int | None = None) -> None:
    """Remove the parts of persons, or one of them, so that nobody finds the entry by them."""
    gone = delete(personal).where(personal.c.log_index == index)
    with database.write() as connection:
        connection.execute(gone if part is None else gone.where(personal.c.part == part))


def remove_terms(database: Database, index: int) -> None:
    """Remove the blind terms, so that nobody finds the entry by a target."""
    with database.write() as connection:
        connection.execute(delete(terms).where(terms.c.log_index == index))
