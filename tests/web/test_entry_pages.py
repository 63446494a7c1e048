"""Search, an entry, and who looked: as somebody who is logged in sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.test_publisher import append as append_many
from tests.service.test_publisher import town
from tests.support import entry_document, running_log
from tests.web.conftest import append
from tests.web.site import Site, html, site
from tlog.audit.entry import JSON, Actor
from tlog.audit.evidence import parse_evidence
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.intake import AppendRequest
from tlog.service.principal import Principal
from tlog.service.read_note import READ_OFFLINE
from tlog.storage.roles import Role


async def test_entries_are_found_and_no_id_is_in_an_address(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = html(await clinic.submit("/ui/search", subject="p-4711"))
    assert "2 entries on this page" in page.text
    addresses = [a.get("href") or a.get("action") or "" for tag, a in page.tags if tag in {"a", "form"}]
    assert "/ui/entries/0" in addresses
    assert not [address for address in addresses if "p-4711" in address]
    assert {"id": "f-subject", "name": "subject", "value": "p-4711", "autocomplete": "off"}.items() <= next(
        tag for tag in page.all("input") if tag.get("name") == "subject"
    ).items()


async def test_a_page_of_results_leads_to_the_next_with_the_same_filters(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = html(await clinic.submit("/ui/search", source="clinic", limit="2"))
    assert "2 entries on this page" in page.text
    hidden = {str(tag["name"]): str(tag["value"]) for tag in page.all("input") if tag.get("type") == "hidden"}
    assert hidden["source"] == "clinic"
    following = html(await clinic.submit("/ui/search", source="clinic", limit="2", cursor=hidden["cursor"]))
    assert "1 entry on this page" in following.text


async def test_results_stand_before_the_form_and_an_entry_leads_back_to_them(clinic: Site) -> None:
    """Also to the same page of them; the person's id is in a form and in no address."""
    await clinic.log_in(Role.AUDITOR)
    assert "Back to your search" not in (await clinic.page("/ui/entries/0")).text
    first = html(await clinic.submit("/ui/search", subject="p-4711", limit="1"))
    assert first.source.index('id="results"') < first.source.index('id="filters"')
    cursor = next(str(tag["value"]) for tag in first.all("input") if tag.get("name") == "cursor")
    await clinic.submit("/ui/search", subject="p-4711", limit="1", cursor=cursor)
    entry = await clinic.page("/ui/entries/0")
    assert "Back to your search" in entry.text
    kept = {tag.get("name"): tag.get("value") for tag in entry.all("input") if tag.get("type") == "hidden"}
    assert (kept["subject"], kept["limit"], kept["cursor"]) == ("p-4711", "1", cursor)
    assert not [link for link in entry.all("a") if "p-4711" in (link.get("href") or "")]
    await clinic.log_in(Role.AUDITOR, "bob")
    assert "Back to your search" not in (await clinic.page("/ui/entries/0")).text
    looked = html(await clinic.submit("/ui/access", subject="p-4711"))
    assert looked.source.index('id="results"') < looked.source.index('id="ask"')
    newest = await clinic.page("/ui/access")
    assert newest.source.index('id="results"') > newest.source.index('id="ask"')


async def test_a_look_into_a_stopped_log_stands_at_its_own_time_with_the_name(clinic: Site) -> None:
    """Its note is logged later than somebody looked."""
    when = "2026-03-02T07:08:09.000000Z"
    values = {"actor": Actor(type="tlog-operator", id="root", name="D. Officer"), "action": READ_OFFLINE}
    values |= {"occurred_at": when, "outcome": "allowed", "purpose": "p", "targets": [{"type": "entry", "id": "0"}]}
    await clinic.made.log.accesses._own.record(values)
    await clinic.log_in(Role.AUDITOR)
    for page in (await clinic.page("/ui/access"), html(await clinic.submit("/ui/access", index="0"))):
        assert "2026-03-02 07:08:09 root operator of the machine (D. Officer) read it out" in page.text


async def test_who_looked_is_asked_for_in_the_words_of_its_page(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = html(await clinic.submit("/ui/access", actor_id="jane"), 400)
    assert "Kind of who looked: missing; give “Kind of who looked” and “Name of who looked” together" in page.text
    assert "Actor's" not in page.text


HIDDEN = "\u202e\u2066\u200b"


async def test_what_turns_or_hides_text_is_shown_as_escapes_everywhere(clinic: Site) -> None:
    subject = f"p-{HIDDEN}4711"
    details, actor = {HIDDEN: HIDDEN}, {"type": "employee", "id": f"e{HIDDEN}", "name": f"Ada{HIDDEN}"}
    index = await append(clinic.made, entry_document(subjects=[{"id": subject}], actor=actor, details=details))
    await clinic.log_in(Role.DPO)
    hold = {"kind": "legal-hold", "case": f"c{HIDDEN}", "reason": f"r{HIDDEN}", "authorised_by": f"d{HIDDEN}"}
    assert (await clinic.submit("/ui/holds", source="clinic", **hold)).status == 303
    for page in (
        await clinic.page("/ui/holds"),
        await clinic.page("/ui/holds/1/lift"),
        html(await clinic.submit("/ui/search", source="clinic")),
        html(await clinic.submit("/ui/access", index=str(index))),
        await clinic.page(f"/ui/entries/{index}"),
    ):
        shown = page.source.partition('id="evidence"')[0]
        assert not set(HIDDEN) & set(shown), page.text[:100]
    for said in ("p-\\u202e\\u2066\\u200b4711", "Ada\\u202e", '"\\u202e\\u2066\\u200b": "\\u202e'):
        assert said in page.text, said
    again = html(await clinic.submit("/ui/search", subject=subject, limit="1"))
    assert "1 entry on this page" in again.text
    assert {tag.get("value") for tag in again.all("input") if tag.get("name") == "subject"} == {subject}, "as typed"


async def test_a_refused_search_shows_what_was_typed_and_what_is_wrong(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = html(await clinic.submit("/ui/search", actor_id="e-1007", source="clinic"), 400)
    assert "Actor's type: missing; give “Actor's type” and “Actor's id” together" in page.text
    values = {tag.get("name"): tag.get("value") for tag in page.all("input")}
    assert values["actor_id"] == "e-1007"
    assert page.headings()[0] == 1


async def test_an_entry_is_shown_with_its_proof_and_evidence_of_it_verifies(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = await clinic.page("/ui/entries/0")
    for said in ("patient.record.read", "Dr. Ada Example", "p-4711", "record r-55", "Verified by this server"):
        assert said in page.text
    assert any(tag.get("role") == "img" for tag in page.all("svg"))
    policy = clinic.made.log.policy
    block = page.source.partition('id="evidence">')[2].partition("</script>")[0]
    assert EvidenceVerifier(policy).verify(parse_evidence(block.encode())).entries[0].index == 0
    answer = await clinic.submit("/ui/entries/0/evidence", disclose=["core", "subjects"])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entry-0.evidence.json"'
    values = EvidenceVerifier(policy).verify(parse_evidence(answer.body)).entries[0].values
    assert "subjects[0]" in values
    assert "actor.id" not in values


async def test_who_looked_is_on_the_page_and_each_look_is_logged(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR, "ann")
    assert "Nobody but you, now" in (await clinic.page("/ui/entries/1")).text
    await clinic.log_in(Role.AUDITOR, "bob")
    page = await clinic.page("/ui/entries/1")
    assert "ann" in page.text
    access = html(await clinic.submit("/ui/access", index="1"))
    assert "2 accesses on this page" in access.text
    assert "read the entry" in access.text
    assert "tlog.entry.read" in (await clinic.page("/ui/access")).text


async def test_nobody_looked_and_an_index_beyond_the_log_are_told_apart(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    assert "there is no entry 99999" in html(await clinic.submit("/ui/access", index="99999"), 404).text
    nobody = html(await clinic.submit("/ui/access", subject="p-never"))
    assert "None found Nobody looked, or this log does not know the person (any more)." in nobody.text


async def test_a_reader_sees_entries_without_evidence_and_without_who_looked(clinic: Site) -> None:
    await clinic.log_in(Role.READER)
    page = await clinic.page("/ui/entries/0")
    assert "p-4711" in page.text
    assert "not the right to take evidence away" in page.text
    assert "Who looked at it" not in page.text
    assert (await clinic.submit("/ui/entries/0/evidence", disclose="core")).status == 403


async def test_an_erased_part_says_when_and_by_which_entry(clinic: Site) -> None:
    erasures = clinic.made.log.erasures
    assert erasures is not None
    officer = Principal("token", "t1", "dana", frozenset({Role.DPO}))
    asked = ErasureRequest(Person("subject", "p-4711"), "GDPR Art. 17", "Dana Officer", None, False)
    done = await erasures.request(asked, officer, wait=True)
    await clinic.made.log.wait("witnessed", int(done.index or 0) + 1)
    await clinic.log_in(Role.AUDITOR)
    page = await clinic.page("/ui/entries/0")
    assert "p-4711" not in page.text
    assert "Erased" in page.text
    assert any(link.get("href") == f"/ui/entries/{done.index}" for link in page.all("a"))
    assert "Verified by this server" in page.text, "the rest still verifies"
    assert "Dr. Ada Example" in page.text
    found = html(await clinic.submit("/ui/search", source="clinic"))
    assert "erased" in found.text


@pytest.mark.parametrize(("path", "status"), [("/ui/entries/99", 404), ("/ui/entries/x", 400), ("/ui/entries/-1", 400)])
async def test_an_entry_that_is_not_there_is_said(clinic: Site, path: str, status: int) -> None:
    await clinic.log_in(Role.AUDITOR)
    assert str(status) in (await clinic.page(path, status)).text


async def test_what_an_entry_says_can_not_become_part_of_the_page(clinic: Site) -> None:
    evil = "</script><script>alert(1)</script><b onclick=x>"
    index = await append(clinic.made, entry_document(details={"note": evil}, actor={"type": "t", "id": evil}))
    await clinic.log_in(Role.AUDITOR)
    page = await clinic.page(f"/ui/entries/{index}")
    assert evil not in page.source
    assert all(script.get("src") or script.get("type") == "application/json" for script in page.all("script"))
    assert not [tag for tag, attributes in page.tags if "onclick" in attributes]
    block = page.source.partition('id="evidence">')[2].partition("</script>")[0]
    assert evil in json.dumps(json.loads(block)) or evil.replace("<", "\\u003c") not in block


async def test_the_time_bracket_is_that_of_the_witnesses(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made, site(made) as served:
        await made.log.wait("witnessed", await append_many(made, 2))
        await made.log.wait("witnessed", await append_many(made, 1))
        await served.log_in(Role.AUDITOR)
        page = await served.page("/ui/entries/2")
        assert "After" in page.text
        assert "under their signatures" in page.text


async def test_targets_of_others_hide_nobody_who_looked(clinic: Site) -> None:
    await clinic.log_in(Role.READER, "snoop")
    await clinic.page("/ui/entries/0")
    documents = [entry_document(targets=[{"type": "entry", "id": "0"}]) for _ in range(12)]
    await clinic.made.log.appender.append(AppendRequest(json.dumps(documents).encode(), JSON, frozenset({"clinic"})))
    await clinic.log_in(Role.AUDITOR, "jane")
    assert "snoop" in (await clinic.page("/ui/entries/0")).text
