from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command
from tlog.cli.data_folder import open_log_database
from tlog.errors import Unauthorized
from tlog.service.log import now_us
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
    tlog("token", "add", log, "--source", "a", "--auditor", "b", code=2)
    tlog("token", "add", log, "--dpo", "a", "--auditor", "b", code=2)
    tlog("token", code=2)
    tlog("token", "nothing", code=2)


def test_a_folder_that_is_none_is_refused(tlog: Command, tmp_path: Path) -> None:
    assert "'tlog init' makes a data folder" in tlog("token", "list", tmp_path / "no", code=1).err
    assert "no complete data folder" in tlog("token", "list", tmp_path, code=1).err
