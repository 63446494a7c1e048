from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.mark.parametrize("command", ["append", "get"])
def test_a_missing_token_is_said_in_the_words_of_the_command_line(tlog: Command, tmp_path: Path, command: str) -> None:
    at = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
    refused = tlog(command, "7", *at, code=1)
    assert refused.err == "tlog: no token: give --token-file or set TLOG_TOKEN\n"
    empty = tmp_path / "token"
    empty.write_text("\n")
    refused = tlog(command, "7", *at, "--token-file", empty, code=1)
    assert refused.err == f"tlog: no token: {empty} is empty; give --token-file or set TLOG_TOKEN\n"


def test_a_token_file_goes_before_the_environment(
    tlog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLOG_TOKEN", "from the environment")  # with spaces: refused before it is sent
    (tmp_path / "token").write_text("good\n")
    at = ("--url", "http://127.0.0.1:1", "--retry-for", 0)
    assert "printable ASCII" in tlog("get", 7, *at, code=1).err
    assert "does not answer" in tlog("get", 7, *at, "--token-file", tmp_path / "token", code=1).err
