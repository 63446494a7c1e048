from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.http.certificate import self_signed
from tlog.cli.data_folder import open_log_database
from tlog.errors import Unauthorized
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore


def find(folder: Path, text: str) -> tuple[set[Role], str]:
    with open_log_database(folder) as database:
        token = TokenStore(database, now_us).find(text)
    return set(token.roles), token.name


def test_a_token_is_added_listed_and_revoked(tlog: Command, log: Path) -> None:
    added = tlog("token", "add", log, "--source", "clinic", "--json").json
    assert (added["roles"], added["name"], added["sources"]) == (["writer"], "clinic", ["clinic"])
    assert find(log, added["token"]) == ({Role.WRITER}, "clinic")
    auditor = tlog("token", "add", log, "--auditor", "jane").out.strip()
    assert find(log, auditor) == ({Role.AUDITOR}, "jane")

    dpo = tlog("token", "add", log, "--dpo", "maria").out.strip()
    assert find(log, dpo) == ({Role.DPO}, "maria")

    listed = tlog("token", "list", log, "--json").json["tokens"]
    assert [
        (token["roles"], token["name"], token["revoked_at"]) for token in listed if token["credential"] != "link"
    ] == [
        (["writer"], "clinic", None),
        (["auditor"], "jane", None),
        (["dpo"], "maria", None),
    ]
    assert added["token"] not in tlog("token", "list", log).out

    tlog("token", "revoke", log, added["id"])
    with pytest.raises(Unauthorized):
        find(log, added["token"])
    assert "revoked" in tlog("token", "list", log).out
    assert f"no token in force has the id {added['id']}" in tlog("token", "revoke", log, added["id"], code=1).err


@pytest.mark.parametrize("name", ["", "Clinic", "a b", "-a", "a" * 65, "a."])
def test_a_token_for_no_possible_source_is_refused(tlog: Command, log: Path, name: str) -> None:
    assert "expected a source name of" in tlog("token", "add", log, "--source", name, code=2).err


def test_the_logs_own_name_is_no_source(tlog: Command, log: Path) -> None:
    assert "reserved for the log's own entries" in tlog("token", "add", log, "--source", "tlog", code=1).err


def test_wrong_usage_is_2(tlog: Command, log: Path) -> None:
    tlog("token", "add", log, code=2)
    tlog("token", "add", log, "--source", "a", "--source", "b", code=2)
    tlog("token", "add", log, "--dpo", "a", "--auditor", "b", code=2)
    tlog("token", "add", log, "--auditor", "a", "--class", "No!", code=2)
    tlog("token", "add", log, "--auditor", "a", "--days", 0, code=2)
    tlog("token", "link", log, "--source", "a", code=2)
    tlog("token", "link", log, "--auditor", "a", "--hours", 169, code=2)
    tlog("token", code=2)
    tlog("token", "nothing", code=2)


def test_a_folder_that_is_none_is_refused(tlog: Command, tmp_path: Path) -> None:
    assert "'tlog init' makes a data folder" in tlog("token", "list", tmp_path / "no", code=1).err
    assert "no complete data folder" in tlog("token", "list", tmp_path, code=1).err


def test_sources_and_classes_limit_any_role_and_one_source_alone_is_a_writer(tlog: Command, log: Path) -> None:
    for options, roles, sources, classes in (
        (("--source", "shop"), ["writer"], ["shop"], None),
        (("--writer", "gateway", "--source", "b", "--source", "a"), ["writer"], ["a", "b"], None),
        (("--auditor", "jane", "--source", "shop"), ["auditor"], ["shop"], None),
        (("--reader", "tim", "--class", "long"), ["reader"], None, ["long"]),
        (("--dpo", "eve", "--admin", "eve", "--auditor", "eve"), ["admin", "auditor", "dpo"], None, None),
    ):
        said = tlog("token", "add", log, *options, "--json").json
        assert (said["roles"], said["sources"], said["classes"], said["expires_at"]) == (roles, sources, classes, None)
        assert find(log, said["token"]) == ({Role(role) for role in roles}, said["name"])
    assert "at least one source" in tlog("token", "add", log, "--writer", "gateway", code=1).err


def test_what_is_done_is_noted_before_it_is_done_and_what_is_refused_is_not(
    tlog: Command, log: Path, tmp_path: Path
) -> None:
    for left in (log / "notes").iterdir():
        left.unlink()  # the first admin's link
    certificate, _ = self_signed(tmp_path)
    given = ("--auditor", "jane", "--class", "long", "--days", 90)
    issued = [tlog("token", "add", log, *given, *more, "--json").json for more in ((), ("--certificate", certificate))]
    tlog("token", "revoke", log, issued[0]["id"])
    tlog("token", "revoke", log, issued[0]["id"], code=1)
    tlog("token", "revoke", log, "x" * 100_000, code=1)
    tlog("token", "add", log, "--dpo", "eve", "--certificate", certificate, code=1)
    tlog("token", "add", log, "--dpo", "Eve", code=1)
    paths = sorted((log / "notes").iterdir())
    notes = [json.loads(path.read_bytes()) for path in paths]
    assert [note["action"] for note in notes] == ["tlog.token.issue", "tlog.token.issue", "tlog.token.revoke"]
    assert [note["details"]["token"] for note in notes] == [issued[0]["id"], issued[1]["id"], issued[0]["id"]]
    assert [note["details"].get("credential") for note in notes] == ["bearer", "certificate", None]
    assert (notes[0]["details"]["name"], notes[0]["details"]["roles"]) == ("jane", ["auditor"])
    assert (notes[0]["details"]["classes"], notes[0]["details"]["sources"]) == (["long"], None)
    assert issued[0]["token"] not in "".join(map(json.dumps, notes))
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert len(tlog("token", "list", log, "--json").json["tokens"]) == 3


def test_what_cannot_be_noted_is_not_done_and_said_without_a_traceback(tlog: Command, log: Path) -> None:
    issued = tlog("token", "add", log, "--auditor", "jane", "--json").json
    shutil.rmtree(log / "notes")
    (log / "notes").touch()
    for arguments in (("add", log, "--auditor", "eve"), ("link", log, "--dpo", "eve"), ("revoke", log, issued["id"])):
        assert "no note can be left in" in tlog("token", *arguments, code=1).err
    listed = tlog("token", "list", log, "--json").json["tokens"]
    assert [(each["name"], each["revoked_at"]) for each in listed] == [("admin", None), ("jane", None)]


@pytest.mark.parametrize("limit", ["--source", "--class"])
def test_more_names_than_over_http_are_refused_and_leave_no_note(tlog: Command, log: Path, limit: str) -> None:
    names = [argument for number in range(65) for argument in (limit, f"n{number}")]
    before = sorted((log / "notes").iterdir())
    assert "at most 64 sources" in tlog("token", "add", log, "--auditor", "jane", *names, code=1).err
    assert sorted((log / "notes").iterdir()) == before
    tlog("token", "add", log, "--auditor", "jane", *names[2:])


def test_a_link_that_was_used_is_told_from_one_that_was_not(tlog: Command, log: Path) -> None:
    code = str(tlog("token", "link", log, "--auditor", "jane", "--json").json["link"]).partition("code=")[2]

    def lines() -> list[str]:
        return [line for line in tlog("token", "list", log).out.splitlines() if "jane" in line]

    tlog("token", "add", log, "--auditor", "jane")
    unused, token = lines()
    assert re.search(r"  not used, until 20\S+Z$", unused)
    assert token.endswith("(everything)")
    with open_log_database(log) as database:
        used = TokenStore(database, now_us).use_link(code)
    assert re.search(r"  opened a session 20\S+Z, until 20\S+Z$", lines()[0])
    listed = {each["id"]: each["used_at"] for each in tlog("token", "list", log, "--json").json["tokens"]}
    assert [token_id for token_id, used_at in listed.items() if used_at is not None] == [used.token_id]
    tlog("token", "revoke", log, used.token_id)
    assert re.search(r"^revoked .*  opened a session 20\S+Z$", lines()[0])


def test_a_link_leads_to_where_browsers_reach_the_log(tlog: Command, log: Path) -> None:
    def link(*options: str) -> str:
        return str(tlog("token", "link", log, "--admin", "otto", *options, "--json").json["link"])

    assert link().startswith("http://127.0.0.1:8088/ui/login/link?code=tlog_")
    settings = log / "tlog.toml"
    settings.write_text(settings.read_text().replace("# public_url =", 'public_url = "https://log.example"'))
    assert link().startswith("https://log.example/ui/login/link?code=tlog_")
    assert link("--url", "https://other.example/").startswith("https://other.example/ui/login/link?code=tlog_")
