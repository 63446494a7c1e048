"""Exports for data subjects over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.audit.access_material import HIDDEN, PERSON, planted
from tests.conftest import on_postgres_too
from tests.http.own_entries import looked_up, shown, stored_own
from tests.http.service import Answer, Service, serve
from tests.service.test_erasure import damage, settings
from tests.support import entry_document, running_log
from tlog.audit.evidence import parse_evidence
from tlog.audit.subject_access import SubjectAccess, parse_subject_access
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import StorageFault
from tlog.http import subject_access
from tlog.http.renderers import Renderers
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken
from web.subject_access_page import subject_access_page

FORMATS = ("json", "csv", "html")
BODY = {"subject": PERSON, "authorised_by": "Dana Officer"}
ERASE = {"subject": PERSON, "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}


@pytest.fixture
async def service(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[Service]:
    """A served log that can make HTML."""
    renderers = Renderers(subject_access=subject_access_page)
    async with (
        running_log(tmp_path / "log", settings=settings(), urls=urls) as made,
        serve(made, renderers=renderers) as served,
    ):
        yield served


def dpo(service: Service, name: str = "dana") -> str:
    return service.made.token(name, Role.DPO)


async def ask(service: Service, token: str | None = None, path: str = "/v1/subject-access", **changed: Any) -> Answer:
    body = {name: value for name, value in (BODY | changed).items() if value is not None}
    return await post(service, path, token or dpo(service), body)


async def post(service: Service, path: str, token: str, body: dict[str, Any]) -> Answer:
    return await service.ask("POST", path, json.dumps(body).encode(), token, Content_Type="application/json")


async def export(service: Service, **changed: Any) -> SubjectAccess:
    answer = await ask(service, **changed)
    assert answer.status == 200, answer
    return parse_subject_access(answer.body)


async def entry_at(service: Service, index: int) -> dict[str, Any]:
    document: dict[str, Any] = (await service.get(f"/v1/entries/{index}", service.auditor)).json()
    return document


@on_postgres_too
async def test_every_entry_of_the_person_and_nobody_elses(service: Service) -> None:
    await service.append([planted(), entry_document(subjects=[{"id": "p-2"}]), planted()])
    found = await export(service)
    assert [entry.index for entry in found.entries] == [0, 2]
    assert (found.origin, found.subject, found.tree_size) == ("example.com/log", PERSON, 3)
    assert (found.known, found.notice) == (True, None)
    assert [(count.value, count.entries) for count in found.summary.purposes] == [("treatment", 2)]


@pytest.mark.parametrize("form", FORMATS)
async def test_no_planted_word_of_an_employee_or_another_person_is_in_any_byte(service: Service, form: str) -> None:
    await service.append([planted(), planted(purpose="asked by Dr. Ada Hidden")])
    stored = json.dumps([await entry_at(service, index) for index in (0, 1)]).casefold()
    assert all(word.casefold() in stored for word in HIDDEN), "the log itself can read them"
    answer = await ask(service, format=form)
    assert answer.status == 200
    text = answer.body.decode().casefold()
    assert not [word for word in HIDDEN if word.casefold() in text]
    assert "treatment" in text
    assert "allergies" in text


async def test_no_planted_word_is_in_the_evidence(service: Service) -> None:
    await service.append([planted(), planted(purpose="asked by Dr. Ada Hidden")])
    answer = await ask(service, evidence=True)
    evidence = json.dumps(answer.json()["evidence"]).encode()
    report = EvidenceVerifier(service.made.log.policy).verify(parse_evidence(evidence))
    proved = json.dumps([dict(entry.values) for entry in report.entries]).casefold()
    assert not [word for word in HIDDEN if word.casefold() in proved]
    assert [entry.index for entry in report.entries] == [0, 1]
    assert all(not entry.erasures for entry in report.entries)


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("json", "application/json"), ("csv", "text/csv; charset=utf-8"), ("html", "text/html; charset=utf-8")],
)
async def test_it_is_a_file_that_nobody_keeps_in_between(service: Service, form: str, media_type: str) -> None:
    answer = await ask(service, format=form)
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="subject-access.{form}"'


@on_postgres_too
async def test_it_is_an_entry_that_says_what_it_shows_of_whom(service: Service) -> None:
    await service.append(planted())
    found = await export(service, **{"from": "2026-01-01", "include_details": True})
    entry = (await entry_at(service, 1))["entry"]
    assert (entry["source"], entry["action"], entry["outcome"]) == ("tlog", "tlog.subject-access", "allowed")
    assert entry["actor"] == {"type": "token", "id": "dana", "name": "Dana Officer"}
    assert (shown(entry), looked_up(entry)) == ([0], [service.made.log.lookup.subject_key(PERSON)])
    assert entry["legal_basis"] == "GDPR Art. 15"
    assert PERSON not in json.dumps(entry)
    assert entry["id"] == entry["details"]["act"] == found.act
    said = {"entries": 1, "unreadable": 0, "tree_size": 1, "format": "json", "include_details": True}
    assert said.items() <= entry["details"].items()
    assert entry["details"]["from"] == "2026-01-01T00:00:00.000000Z"


@on_postgres_too
async def test_who_looked_at_an_entry_knows_of_every_export_that_shows_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More entries than one own entry has room for are in several; no reader of the file is missing anywhere."""
    monkeypatch.setattr(subject_access, "PAGE", 2)
    await service.append([planted() for _ in range(5)])
    damage(service.made, 3)
    found = await export(service)
    assert ([entry.index for entry in found.entries], found.unreadable[0].index) == ([0, 1, 2, 4], 3)
    own = stored_own(service.made, "tlog.subject-access")
    assert [shown(entry) for entry in own] == [[0, 1], [2, 3], [4]]
    assert [(entry["details"]["page"], entry["details"]["pages"]) for entry in own] == [(1, 3), (2, 3), (3, 3)]
    assert {entry["details"]["act"] for entry in own} == {own[0]["id"]} == {found.act}
    for index in range(5):
        [access] = (await service.get(f"/v1/access?index={index}", service.auditor)).json()["accesses"]
        assert (access["actor"]["id"], access["action"], access["shown"]) == ("dana", "tlog.subject-access", [index])


async def test_a_part_of_it_that_can_not_be_logged_is_no_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_access, "PAGE", 1)
    await service.append([planted(), planted()])
    own, told = service.made.log.acts.own, []
    real = own.log

    async def full_soon(*given: Any, **named: Any) -> int:
        told.append(named["targets"])
        if len(told) == 2:
            raise StorageFault("the disk is full")
        return await real(*given, **named)

    monkeypatch.setattr(own, "log", full_soon)
    answer = await ask(service)
    assert (answer.status, answer.slug) == (500, "storage-fault")
    assert b"allergies" not in answer.body


async def test_who_looked_at_the_entries_is_not_in_it_and_it_says_so(service: Service) -> None:
    await service.append(planted())
    assert (await post(service, "/v1/entries/search", service.auditor, {"subject": PERSON})).status == 200
    await export(service)
    found = await export(service)
    assert [entry.index for entry in found.entries] == [0]
    for form in FORMATS:
        text = (await ask(service, format=form)).body.decode()
        assert "Who looked at these entries" in text, form


@on_postgres_too
async def test_its_own_entry_outlives_the_persons_erasure(service: Service) -> None:
    await service.append(planted())
    await ask(service)
    before = await entry_at(service, 1)
    erased = await post(service, "/v1/erasures", dpo(service), ERASE)
    assert (erased.json()["status"], erased.json()["entries"]) == ("done", 1)
    own = await entry_at(service, 1)
    assert (own["entry"], own["erased"]) == (before["entry"], [])
    assert PERSON not in json.dumps(own)


async def test_an_erased_person_has_nothing_and_is_not_brought_back(service: Service) -> None:
    await service.append(planted())
    await post(service, "/v1/erasures", dpo(service), ERASE)
    for form in FORMATS:
        answer = await ask(service, format=form)
        assert answer.status == 200
        assert "was erased" in answer.body.decode()
    found = await export(service)
    assert (found.entries, found.unreadable) == ([], [])
    assert service.made.parts.keyring.find_person("subject", PERSON) is None
    own = (await entry_at(service, service.made.log.store.state().size - 1))["entry"]
    assert (own["action"], shown(own), looked_up(own)) == ("tlog.subject-access", [], [])
    assert PERSON not in json.dumps(own)


@on_postgres_too
async def test_a_person_who_returns_sees_what_came_since_and_nothing_of_the_past(service: Service) -> None:
    await service.append(planted())
    await post(service, "/v1/erasures", dpo(service), ERASE)
    await service.append(planted(purpose="a new start"))
    found = await export(service)
    assert [(entry.index, entry.purpose) for entry in found.entries] == [(2, "a new start")]


async def test_what_can_not_be_logged_is_not_served(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.append(planted())

    async def full(*_: object, **__: object) -> int:
        raise StorageFault("the disk is full")

    monkeypatch.setattr(service.made.log.acts.own, "log", full)
    answer = await ask(service)
    assert (answer.status, answer.slug) == (500, "storage-fault")
    assert b"allergies" not in answer.body
    assert service.size() == 1


async def test_a_halted_log_makes_none(service: Service) -> None:
    await service.append(planted())
    service.made.log.publisher._stop_signing("a witness knows more")
    answer = await ask(service)
    assert (answer.status, answer.slug) == (503, "log-halted")


@pytest.mark.parametrize("form", FORMATS)
async def test_a_damaged_entry_is_listed(service: Service, form: str) -> None:
    await service.append([planted(), planted()])
    damage(service.made, 1)
    answer = await ask(service, format=form)
    assert b"does not open" in answer.body
    if form == "json":
        found = parse_subject_access(answer.body)
        assert ([entry.index for entry in found.entries], found.unreadable[0].index) == ([0], 1)
    own = (await entry_at(service, 2))["entry"]
    assert (own["details"]["entries"], own["details"]["unreadable"]) == (1, 1)


@pytest.mark.parametrize("form", FORMATS)
async def test_details_are_shown_on_request(service: Service, form: str) -> None:
    await service.append(planted())
    assert b"note-hidden-31" not in (await ask(service, format=form)).body
    text = (await ask(service, format=form, include_details=True)).body.decode().casefold()
    assert "note-hidden-31" in text
    assert "target-hidden-55" in text
    assert "hidden-1007" not in text
    assert "p-other-8812" not in text


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"subject": None}, "request-invalid"),
        ({"subject": 4711}, "request-invalid"),
        ({"authorised_by": None}, "request-invalid"),
        ({"authorised_by": ""}, "request-invalid"),
        ({"authorised_by": "P-4711 themself"}, "bad-request"),
        ({"format": "pdf"}, "request-invalid"),
        ({"from": "yesterday for p-4711"}, "bad-parameter"),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "bad-parameter"),
        ({"evidence": True, "format": "html"}, "bad-request"),
        ({"people": ["p-4711"]}, "request-invalid"),
    ],
)
async def test_a_bad_request_says_what_and_quotes_nothing(service: Service, changed: Any, slug: str) -> None:
    await service.append(planted())
    answer = await ask(service, **changed)
    assert (answer.status, answer.slug) == (400, slug)
    assert b"4711" not in answer.body
    assert service.size() == 1


async def test_only_data_protection_officers_may_ask(service: Service) -> None:
    for token in (service.token, service.auditor):
        assert (await ask(service, token)).status == 403
    assert (await service.ask("POST", "/v1/subject-access", b"{}", Content_Type="application/json")).status == 401
    assert service.size() == 0


async def test_a_refusal_is_an_entry_that_names_nobody(service: Service) -> None:
    assert (await ask(service, service.auditor)).status == 403
    assert (await ask(service, authorised_by=f"for {PERSON}")).status == 400
    for index, outcome in enumerate(("denied", "failed")):
        entry = (await entry_at(service, index))["entry"]
        assert (entry["action"], entry["outcome"]) == ("tlog.subject-access.request", outcome)
        assert PERSON not in json.dumps(entry)


@pytest.mark.parametrize("form", FORMATS)
@on_postgres_too
async def test_who_may_not_read_everything_makes_a_file_that_says_so(service: Service, form: str) -> None:
    laboratory = service.made.token("laboratory")
    await service.append(planted())
    await service.append(planted(source="laboratory", purpose="analysis"), token=laboratory)
    scope = RowScope(frozenset({"clinic"}))
    token = service.made.log.tokens.issue(NewToken("dana", frozenset({Role.DPO}), scope))[1]
    answer = await ask(service, token, format=form)
    assert b"sources clinic" in answer.body
    assert b"analysis" not in answer.body
    if form == "json":
        found = parse_subject_access(answer.body)
        assert ([entry.index for entry in found.entries], found.limited_to) == ([0], "sources clinic")
    own = (await entry_at(service, 2))["entry"]
    assert own["details"]["limited_to"] == "sources clinic"


@pytest.mark.parametrize("form", FORMATS)
async def test_nothing_names_who_asked_or_decided(service: Service, form: str) -> None:
    await service.append(planted())
    token = dpo(service, "dana-marker-77")
    text = (await ask(service, token, format=form, authorised_by="Otto Marker-88")).body.decode().casefold()
    assert "marker-77" not in text
    assert "marker-88" not in text


@pytest.mark.parametrize("form", FORMATS)
async def test_nobody_of_this_id_is_told_from_nothing_in_this_period(service: Service, form: str) -> None:
    await service.append(planted())
    for changed, known, notice in (
        ({}, "yes", None),
        ({"from": "2026-05-01"}, "yes", "This log has no entries about you in this period."),
        ({"subject": "p-4712"}, "no", "This log has no entries about you."),
    ):
        answer = await ask(service, format=form, **changed)
        assert answer.headers["Tlog-Person-Known"] == known
        text = answer.body.decode()
        assert ("This log has no entries about you" in text, (notice or "") in text) == (notice is not None, True)


async def test_a_limited_officer_learns_nothing_of_what_others_know(service: Service) -> None:
    await service.append(planted())
    scope = RowScope(frozenset({"laboratory"}))
    token = service.made.log.tokens.issue(NewToken("dpolab", frozenset({Role.DPO}), scope))[1]
    answer = await ask(service, token)
    assert answer.headers["Tlog-Person-Known"] == "no"
    assert answer.json()["notice"] == "This log has no entries about you among those of sources laboratory."


async def test_a_server_without_pages_says_so(tmp_path: Path) -> None:
    async with running_log(tmp_path / "log", settings=settings()) as made, serve(made, renderers=Renderers()) as served:
        answer = await ask(served, format="html")
        assert (answer.status, answer.slug) == (400, "bad-request")
        assert served.size() == 0


async def test_one_client_has_a_share(service: Service) -> None:
    token = dpo(service)
    await service.append([planted() for _ in range(200)])
    answers = await asyncio.gather(*(ask(service, token) for _ in range(12)))
    slugs = {answer.slug for answer in answers if answer.status != 200}
    assert {answer.status for answer in answers} == {200, 429}
    assert slugs == {"too-many-requests"}


@on_postgres_too
async def test_while_entries_are_appended_each_export_is_whole(service: Service) -> None:
    """Whatever its tree size is, an export has every entry of the person below it."""
    token, stop = dpo(service), asyncio.Event()

    async def append_on() -> None:
        while not stop.is_set():
            await service.append([planted(), entry_document(subjects=[{"id": "p-2"}])])

    task = asyncio.create_task(append_on())
    for _ in range(5):
        found = parse_subject_access((await ask(service, token)).body)
        rows = await asyncio.to_thread(service.made.log.store.entries_at, range(found.tree_size))
        key = service.made.parts.keyring.find_person("subject", PERSON)
        theirs = [index for index, row in sorted(rows.items()) if key in {part.key_id for part in row.personal[1:]}]
        assert [entry.index for entry in found.entries] == theirs
    stop.set()
    await task
