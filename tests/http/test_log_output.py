"""Rule 9: what a log writes about its work quotes nobody. Every line is caught while markers go through everything."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from tests.http.service import Answer, Service, serve
from tests.service.expired import CLASSES, Clock, first_turn
from tests.service.test_erasure import damage, settings
from tests.support import entry_document, running_log
from tlog.storage.roles import Role

SUBJECT, ACTOR, CASE = "subject-marker-QX7431", "actor-marker-RT2275", "case-marker-JN4058"
MARKERS = (
    SUBJECT,
    ACTOR,
    CASE,
    "name-marker-ZW9928",
    "staff-marker-MC1194",
    "data-marker-KD5512",
    "target-marker-LP3377",
    "trace-marker-HB6640",
    "officer-marker-GY8023",
    "reason-marker-SE5561",
)
NAME, STAFF, DATA, TARGET, TRACE, OFFICER, REASON = MARKERS[3:]
ERASE = {"subject": SUBJECT, "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": OFFICER, "reason": REASON}
HOLD = {"kind": "legal-hold", "case": CASE, "reason": REASON, "authorised_by": OFFICER, "subject": SUBJECT}
KNOWN_ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


def marked(**fields: Any) -> dict[str, Any]:
    """Return an entry with a marker in every field that names somebody or something."""
    document: dict[str, Any] = {
        "actor": {"type": "employee", "id": ACTOR, "name": STAFF},
        "subjects": [{"id": SUBJECT, "data": {"name": NAME, "note": DATA}}],
        "targets": [{"type": "record", "id": TARGET}],
        "correlation": {"trace_id": TRACE},
        "details": {"note": DATA},
    }
    return entry_document(**document | fields)


@dataclass(slots=True)
class Written:
    """What was written while the log worked."""

    lines: list[Any] = field(default_factory=list)
    text: str = ""

    def require_nobody(self, *said: str) -> None:
        """Require that these texts were written, and nothing of the markers in any spelling."""
        written = (repr(self.lines) + self.text).lower()
        assert [marker for marker in MARKERS if marker.lower() in written] == []
        assert [text for text in said if text not in written] == [], "nothing was caught"


@contextmanager
def caught(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """Catch what is written in a block: structured lines, those of libraries, and what is printed."""
    written = Written()
    with capture_logs() as lines, caplog.at_level(logging.DEBUG):
        yield written
    written.lines += lines
    written.text = caplog.text + "".join(capfd.readouterr())


class Faults:
    """Fails at the named step of an act, with a text that quotes somebody."""

    def __init__(self) -> None:
        self.at: str | None = None

    def step(self, name: str) -> None:
        if name == self.at:
            raise RuntimeError(f"about {SUBJECT} and {NAME}")


@asynccontextmanager
async def served(folder: Path, clock: Clock, faults: Faults) -> AsyncIterator[Service]:
    options = {"now": clock, "retention": CLASSES, "settings": settings(), "step": faults.step}
    async with running_log(folder, **options) as made, serve(made) as service:
        await first_turn(made)
        yield service


async def post(service: Service, path: str, token: str, body: dict[str, Any]) -> Answer:
    return await service.ask("POST", path, json.dumps(body).encode(), token, Content_Type="application/json")


async def search(service: Service) -> None:
    filters = (
        {"subject": SUBJECT},
        {"actor_type": "employee", "actor_id": ACTOR},
        {"target_type": "record", "target_id": TARGET},
        {"correlation": TRACE},
    )
    for given in filters:
        query = "&".join(f"{name}={quote(value)}" for name, value in given.items())
        for answer in (
            await post(service, "/v1/entries/search", service.auditor, given),
            await service.get(f"/v1/entries?{query}", service.auditor),
        ):
            assert (answer.status, len(answer.json()["entries"])) == (200, 2), given
        assert (await post(service, "/v1/entries/search", "nobody", given)).status == 401


async def be_refused(service: Service, dpo: str) -> None:
    """Send what is refused, each with a marker in it."""
    for document, status in (
        (marked(**{NAME: 1}), 400),
        (marked(outcome=NAME), 400),
        (marked(retention=NAME.lower()), 400),
        (marked(source=NAME.lower()), 403),
        (marked(id=KNOWN_ID, details={"note": TRACE}), 409),
    ):
        assert (await service.append(document)).status == status, document
    for path, body, token, status in (
        ("/v1/erasures", ERASE | {"reason": f"of {SUBJECT}"}, dpo, 400),
        ("/v1/erasures", ERASE | {NAME: 1}, dpo, 400),
        ("/v1/erasures", ERASE, service.auditor, 403),
        ("/v1/holds", HOLD | {"reason": f"of {SUBJECT}"}, dpo, 400),
        ("/v1/subject-access", {"subject": SUBJECT, "authorised_by": f"of {SUBJECT}"}, dpo, 400),
        ("/v1/subject-access", {"subject": SUBJECT, "authorised_by": OFFICER, "from": NAME}, dpo, 400),
        ("/v1/holds", HOLD, service.token, 403),
        ("/v1/holds/lift", {"case": NAME, "reason": REASON, "authorised_by": OFFICER}, dpo, 404),
        (f"/v1/acts/{SUBJECT}/approve", {}, dpo, 404),
    ):
        assert (await post(service, path, token, body)).status == status, path


async def test_no_line_quotes_anybody_whatever_is_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    async with served(tmp_path / "log", clock, Faults()) as service:
        dpo = service.made.token("dana", Role.DPO)
        with caught(caplog, capfd) as written:
            assert (await service.append([marked(id=KNOWN_ID), marked()])).status == 201
            await search(service)
            assert (await service.get("/v1/entries/0", service.auditor)).status == 200
            await be_refused(service, dpo)
            assert (await post(service, "/v1/holds", dpo, HOLD)).status == 201
            assert (await post(service, "/v1/erasures", dpo, ERASE)).slug == "held"
            lift = {"case": CASE, "reason": REASON, "authorised_by": OFFICER}
            assert (await post(service, "/v1/holds/lift", dpo, lift)).status == 200
            damage(service.made, 1)
            assert (await post(service, "/v1/erasures", dpo, ERASE)).slug == "entry-damaged"
            access = await post(service, "/v1/subject-access", dpo, {"subject": SUBJECT, "authorised_by": OFFICER})
            assert (access.status, SUBJECT in access.body.decode()) == (200, True)
            assert (await post(service, "/v1/erasures", dpo, ERASE | {"dry_run": True})).status == 200
            done = await post(service, "/v1/erasures", dpo, ERASE | {"even_damaged": True})
            assert (done.status, done.json()["status"]) == (200, "done")
            clock.on(2026, 2)
            assert service.made.log.scheduler is not None
            await service.made.log.scheduler.turn()
            metrics = await service.get("/metrics")
        written.text += metrics.body.decode()
        written.require_nobody("cohort expired", "tlog_")


@pytest.mark.parametrize("wait", [True, False])
async def test_an_act_that_fails_unexpectedly_does_not_say_about_whom(
    tmp_path: Path, wait: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = Faults()
    async with served(tmp_path / "log", Clock(), faults) as service:
        dpo = service.made.token("dana", Role.DPO)
        await service.append(marked())
        faults.at = "prepared"
        with caught(caplog, capfd) as written:
            answer = await post(service, "/v1/erasures", dpo, ERASE | {"wait": wait})
            await service.made.log.acts.stop()
        assert SUBJECT not in repr(answer)
        written.require_nobody("an act failed unexpectedly", "runtimeerror")


async def test_a_retention_that_fails_unexpectedly_does_not_say_about_whom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    faults, clock = Faults(), Clock()
    async with served(tmp_path / "log", clock, faults) as service:
        await service.append(marked())
        faults.at = "counted"
        clock.on(2026, 2)
        with caught(caplog, capfd) as written:
            assert service.made.log.scheduler is not None
            await service.made.log.scheduler.turn()
        written.require_nobody("retention failed", "runtimeerror")
