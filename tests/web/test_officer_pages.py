"""People, retention, holds, acts, sources, tokens: what officers and administrators see and do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.support import entry_document, running_log
from tests.web.conftest import append
from tests.web.site import Html, Site, html, site
from tests.web.stage import DRILL
from tlog.client.drill_result import DrillResult
from tlog.errors import Unauthorized
from tlog.service.principal import Principal
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role

BASIS = {"legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
HOLD = {"kind": "legal-hold", "case": "2026/17", "reason": "court order", "authorised_by": "Dana Officer"}


@pytest.fixture
async def careful(tmp_path: Path) -> AsyncIterator[Site]:
    """A log where erasures need a second person."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made, site(made) as served:
        await append(made, entry_document())
        yield served


async def test_a_person_is_erased_in_two_steps_and_their_id_is_in_no_address(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    plan = html(await clinic.submit("/ui/people", subject="p-4711"))
    assert "What would be erased" in plan.text
    assert {"type": "hidden", "name": "subject", "value": "p-4711"} in plan.all("input")
    assert "p-4711" in (await clinic.page("/ui/entries/0")).text, "nothing is changed yet"
    done = html(await clinic.submit("/ui/people/erase", subject="p-4711", sure="1", **BASIS))
    assert "2 entries lost " in done.text
    assert "p-4711" not in done.source
    assert "p-4711" not in (await clinic.page("/ui/entries/0")).text
    assert "Erase one person" in (await clinic.page("/ui/acts")).text


@pytest.mark.parametrize(("form", "starts"), [("html", b"<!doctype html>"), ("json", b"{")])
async def test_a_person_gets_their_entries_as_a_file(clinic: Site, form: str, starts: bytes) -> None:
    await clinic.log_in(Role.DPO)
    answer = await clinic.submit("/ui/people/access", subject="p-4711", authorised_by="Dana Officer", format=form)
    assert answer.status == 200, answer
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.body.lower().startswith(starts)


async def test_of_nobody_there_is_a_file_only_when_that_is_confirmed(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    asked = {"subject": "p-4712", "authorised_by": "Dana Officer", "format": "csv", "from": "2026-01-01"}
    page = html(await clinic.submit("/ui/people/access", **asked))
    assert "Nobody of this id is known here" in page.text
    hidden = {field["name"]: field["value"] for field in page.all("input") if field.get("type") == "hidden"}
    assert asked.items() <= hidden.items()
    answer = await clinic.submit("/ui/people/access", **asked, even_unknown=hidden["even_unknown"] or "")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "This log has no entries about you." in answer.body.decode()


async def test_an_actor_can_be_named(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    plan = html(await clinic.submit("/ui/people", actor__type="employee", actor__id="e-1007"))
    assert {"type": "hidden", "name": "actor.id", "value": "e-1007"} in plan.all("input")


async def test_a_form_that_is_not_whole_is_shown_again_with_its_faults(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    page = html(await clinic.submit("/ui/people/erase", subject="p-4711"), 400)
    assert "Legal basis : missing" in page.text
    assert "Authorised by : missing" in page.text
    assert "legal_basis" not in page.text
    half = html(await clinic.submit("/ui/people/erase", subject="p-4711", legal_basis="GDPR Art. 17(1)(b)"), 400)
    assert value_of(half, "legal_basis") == "GDPR Art. 17(1)(b)"
    assert (await clinic.submit("/ui/people", subject="p-4711", actor__type="t", actor__id="x")).status == 400


async def test_nobody_is_said_to_be_nobody(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    assert "Nobody of this name is here" in html(await clinic.submit("/ui/people", subject="p-0")).text


async def test_a_hold_is_placed_stops_an_erasure_and_is_lifted(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    placed = await clinic.submit("/ui/holds", subject="p-4711", **HOLD)
    assert (placed.status, placed.headers["Location"]) == (303, "/ui/holds")
    page = await clinic.page("/ui/holds")
    assert "court order" in page.text
    assert "p-4711" not in page.source
    assert "On hold" in html(await clinic.submit("/ui/people", subject="p-4711")).text
    refused = html(await clinic.submit("/ui/people/erase", subject="p-4711", **BASIS), 409)
    assert "hold" in refused.text
    assert "court order" in (await clinic.page("/ui/holds/1/lift")).text
    again = html(await clinic.submit("/ui/holds/lift", hold="1", authorised_by="Dana Officer"), 400)
    assert value_of(again, "authorised_by") == "Dana Officer"
    assert "Reason : missing" in again.text
    lifted = await clinic.submit("/ui/holds/lift", hold="1", reason="over", authorised_by="Dana Officer")
    assert lifted.status == 303
    assert "There is none" in (await clinic.page("/ui/holds")).text
    assert "over" in (await clinic.page("/ui/holds?all=1")).text


def value_of(page: Html, name: str) -> str | None:
    """What stands in a field."""
    return next(field.get("value") for field in page.all("input") if field.get("name") == name)


async def test_a_hold_that_is_refused_keeps_what_was_typed(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    page = html(await clinic.submit("/ui/holds", **HOLD, occurred_from="soon", by_case="1"), 400)
    assert (value_of(page, "case"), value_of(page, "occurred_from")) == ("2026/17", "soon")
    assert any(field.get("name") == "by_case" and "checked" in field for field in page.all("input"))
    assert any(tag.get("id") == "p-occurred_from" for tag in page.all("p")), "the reason stands beside the field"
    assert "Say what it covers" in html(await clinic.submit("/ui/holds", **HOLD), 400).text
    assert "occurred_from" not in html(await clinic.submit("/ui/holds", **HOLD), 400).text


async def test_who_decides_on_a_lift_sees_why_the_hold_was_placed(careful: Site) -> None:
    await careful.log_in(Role.DPO, "dana")
    await careful.submit("/ui/holds", **HOLD, source="clinic")
    await careful.submit("/ui/holds/lift", hold="1", reason="settled", authorised_by="Dana Officer")
    await careful.log_in(Role.DPO, "omar")
    listed = await careful.page("/ui/acts")
    assert "Lift a hold asked for by dana" in listed.text
    approve = decision(listed, "approve")
    asked = await careful.page(approve)
    for said in ("Case 2026/17", "Why it was placed court order", "Reason settled"):
        assert said in asked.text, said
    await careful.submit(approve)
    done = await careful.page(approve.removesuffix("/approve"))
    assert "why stands under Holds only" in done.text
    assert "court order" not in done.text


async def test_an_erasure_waits_for_a_second_person(careful: Site) -> None:
    await careful.log_in(Role.DPO, "dana")
    assert "another officer must agree" in (await careful.page("/ui/people")).text, "before anything is typed"
    plan = html(await careful.submit("/ui/people", actor__type="employee", actor__id="e-1007"))
    assert "Ask for the erasure of" in plan.text
    assert "Parts that name other people too" in plan.text
    page = html(await careful.submit("/ui/people/erase", subject="p-4711", **BASIS))
    assert "Another officer must agree" in page.text
    links = {str(link.get("href")) for link in page.all("a")}
    own = await careful.page("/ui/acts?state=pending")
    assert "another officer must agree" in own.text
    act = decision(own, "decline")
    assert act.removesuffix("/decline") in links, "the answer leads to the act"
    approve = act.removesuffix("decline") + "approve"
    assert approve not in own.source, "not shown to the one who asked"
    assert {"method": "post", "action": approve} not in (await careful.page(approve)).all("form")
    assert (await careful.submit(approve)).status == 403, "nor done"
    await careful.log_in(Role.DPO, "omar")
    assert decision(await careful.page("/ui/acts"), "approve") == approve
    asked = await careful.page(approve)
    for said in ("Erase one person", "dana", "Dana Officer", "GDPR Art. 17(1)(b)", "1 entry", "can't be taken back"):
        assert said in asked.text, said
    assert "p-4711" not in asked.source
    approved = await careful.submit(approve)
    assert (approved.status, approved.headers["Location"]) == (303, approve.removesuffix("/approve"))
    done = await careful.page(approved.headers["Location"])
    assert "carried out, and an entry of the log. 1 entry reached" in done.text
    assert "p-4711" not in (await careful.page("/ui/entries/0")).text


def decision(page: Html, word: str) -> str:
    """The way to the page that asks for a decision on the first act."""
    return next(str(link["href"]) for link in page.all("a") if str(link.get("href")).endswith(f"/{word}"))


async def test_a_grant_says_who_would_get_what_and_officers_have_no_say_in_it(careful: Site) -> None:
    await careful.log_in(Role.ADMIN, "root")
    await careful.submit("/ui/tokens", name="carl", roles=["auditor"], sources="clinic", credential="bearer", days="3")
    await careful.log_in(Role.DPO, "dana")
    assert "/approve" not in (await careful.page("/ui/acts")).source
    await careful.log_in(Role.ADMIN, "rita")
    asked = await careful.page(decision(await careful.page("/ui/acts"), "approve"))
    for said in ("Grant access to carl as auditor", "root", "sources clinic", "a token", "Ends 20"):
        assert said in asked.text, said


async def test_who_is_asked_to_lift_a_hold_sees_how_much_it_covers(careful: Site) -> None:
    await careful.log_in(Role.DPO, "dana")
    await careful.submit("/ui/holds", subject="p-4711", **HOLD)
    await careful.submit("/ui/holds/lift", hold="1", reason="over", authorised_by="Dana Officer")
    await careful.log_in(Role.DPO, "omar")
    way = decision(await careful.page("/ui/acts"), "approve")
    for page in (way, way.removesuffix("/approve")):
        assert "Hold 1 " in (await careful.page(page)).text
        assert "The hold covers now 1 entry" in (await careful.page(page)).text


async def test_an_act_can_be_declined(careful: Site) -> None:
    await careful.log_in(Role.DPO, "dana")
    await careful.submit("/ui/people/erase", subject="p-4711", **BASIS)
    await careful.log_in(Role.DPO, "omar")
    act = decision(await careful.page("/ui/acts"), "decline")
    assert "Decline this?" in (await careful.page(act)).text
    assert (await careful.submit(act)).status == 303
    assert "declined" in (await careful.page("/ui/acts")).text
    assert "p-4711" in (await careful.page("/ui/entries/0")).text


async def test_retention_is_planned_and_run(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    assert "standard/" in (await clinic.page("/ui/retention")).text
    ran = await clinic.submit("/ui/retention/run", authorised_by="Dana Officer", sure="1")
    assert "Nothing is due" in html(ran).text
    assert (await clinic.page("/ui/acts?kind=expiry")).text
    assert "Look ahead until: a day" in (await clinic.page("/ui/retention?until=soon", 400)).text


async def test_gaps_of_sources_are_shown(clinic: Site) -> None:
    await append(clinic.made, entry_document(seq=10**6), entry_document(seq=10**6 + 5))
    await clinic.log_in(Role.AUDITOR)
    page = await clinic.page("/ui/sources")
    assert "Gaps of clinic" in page.text
    assert "late" in page.text
    assert "tlog" in page.text, "the log's own entries are numbered too"
    assert "Entries missing 0" in (await clinic.page("/ui/")).text, "late is not missing"


async def test_tokens_are_shown_without_their_text(clinic: Site) -> None:
    text = clinic.made.token("carl", Role.AUDITOR)
    await clinic.log_in(Role.ADMIN)
    page = await clinic.page("/ui/tokens")
    assert "carl" in page.text
    assert "see who read what" in page.text
    assert text not in page.source


async def test_a_token_is_issued_shown_once_and_revoked(clinic: Site) -> None:
    await clinic.log_in(Role.ADMIN)
    issued = html(await clinic.submit("/ui/tokens", name="carl", roles=["auditor"], credential="bearer"))
    text = issued.source.partition('secret">')[2].partition("<")[0].strip()
    assert text.startswith("tlog_")
    assert "A token, for carl as auditor." in issued.text
    listed = await clinic.page("/ui/tokens")
    assert text not in listed.source
    token_id = clinic.made.log.tokens.find(text).token_id
    asked = await clinic.page(f"/ui/tokens/{token_id}/revoke")
    assert "Revoke the access of carl?" in asked.text
    assert clinic.made.log.tokens.find(text).revoked_at is None
    revoked = await clinic.submit(f"/ui/tokens/{token_id}/revoke")
    assert (revoked.status, revoked.headers["Location"]) == (303, f"/ui/tokens/{token_id}/revoke")
    said = await clinic.page(revoked.headers["Location"])
    assert "Revoked carl" in said.text
    assert f"/ui/tokens/{token_id}/revoke" not in {form.get("action") for form in said.all("form")}
    assert (await clinic.get("/ui/tokens/00000000/revoke")).status == 404
    assert "revoked" in (await clinic.page("/ui/tokens")).text
    with pytest.raises(Unauthorized):
        clinic.made.log.tokens.find(text)


async def test_a_grant_that_waits_for_a_second_admin_is_told(careful: Site) -> None:
    await careful.log_in(Role.ADMIN, "root")
    assert "Waiting for a second admin" not in (await careful.page("/ui/tokens")).text
    await careful.submit("/ui/tokens", name="carl", roles=["auditor"], credential="bearer")
    page = await careful.page("/ui/tokens")
    assert "Waiting for a second admin Grant access to carl as auditor asked for 20" in page.text
    assert "by root" in page.text


async def test_a_token_that_can_not_be_is_refused_on_its_form(clinic: Site) -> None:
    await clinic.log_in(Role.ADMIN)
    page = html(await clinic.submit("/ui/tokens", name="carl", roles=["writer"], days="ten"), 400)
    assert "Valid for days: not a whole number" in page.text
    assert (value_of(page, "name"), value_of(page, "days")) == ("carl", "ten")
    page = html(await clinic.submit("/ui/tokens", name="carl", roles=["writer"]), 400)
    assert any(box.get("value") == "writer" and "checked" in box for box in page.all("input"))
    assert "a writer needs at least one source" in page.text
    assert "Issue a credential" in page.text


async def test_a_drill_is_shown_with_what_it_missed(clinic: Site) -> None:
    done = await clinic.made.log.drills.log(
        msgspec.convert(DRILL, DrillResult), Principal("token", "t1", "ann", frozenset({Role.AUDITOR})).actor()
    )
    await clinic.log_in(Role.AUDITOR)
    page = await clinic.page("/ui/drills")
    assert any(link.get("href") == f"/ui/entries/{done}" for link in page.all("a"))
    assert "2026-02-01 to 2026-02-15" in page.text
    assert "142 ms" in page.text
    assert "passed" in page.text
