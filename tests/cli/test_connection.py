from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.mark.parametrize("command", ["append", "get"])
def test_a_missing_token_is_said_in_the_words_of_the_command_line(tlog: Command, tmp_path: Path, command: str) -> None:
    at = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
    refused = tlog(command, "7", *at, code=2)
    assert "no token: give --token-file or set TLOG_TOKEN" in refused.err
    empty = tmp_path / "token"
    empty.write_text("\n")
    refused = tlog(command, "7", *at, "--token-file", empty, code=1)
    assert refused.err == f"tlog: no token: {empty} is empty; give --token-file or set TLOG_TOKEN\n"


@pytest.mark.parametrize("url", ["ftp://log.example", "log.example", "https://", "https://log.example/?x=1"])
def test_what_is_no_url_is_wrong_usage(tlog: Command, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TLOG_TOKEN", "a-token")
    assert "'--url'" in tlog("get", 7, "--url", url, code=2).err


def test_an_option_given_twice_is_wrong_usage(tlog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLOG_TOKEN", "a-token")
    at = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
    for command in (("search", "--subject", "a", "--subject", "b"), ("erase", "--subject", "a", "--subject", "b")):
        refused = tlog(*command, *at, code=2).err
        assert "'--subject': it is given 2 times, and takes one value" in refused
    assert "'--url'" in tlog("hold", "list", *at, "--url", "http://127.0.0.1:2", code=2).err
    assert "does not answer" in tlog("search", *at, "--json", "--json", code=1).err


def test_a_token_file_goes_before_the_environment(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLOG_TOKEN", "from the environment")  # with spaces: refused before it is sent
    (tmp_path / "token").write_text("good\n")
    at = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
    assert "printable ASCII" in tlog("get", 7, *at, code=1).err
    assert "does not answer" in tlog("get", 7, *at, "--token-file", tmp_path / "token", code=1).err
