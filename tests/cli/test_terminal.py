"""Real commands on a real terminal: the first Ctrl-C ends them, and nothing is sent after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_search import Served, served_in_a_thread
from tests.support import entry_document
from tests.terminal import CTRL_C, on_a_terminal
from tlog.storage.roles import Role

pytestmark = pytest.mark.processes
ERASE = ("erase", "--subject", "p-4711", "--legal-basis", "Art. 17", "--authorised-by", "Dana Officer")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_in_a_thread(tmp_path / "log") as made:
        made.append(entry_document())
        yield made


def at(served: Served, kind: Role, name: str) -> dict[str, str]:
    return {"TLOG_URL": served.url, "TLOG_TOKEN": served.service.made.token(name, kind)}


def test_the_first_ctrl_c_at_the_question_erases_nothing(served: Served) -> None:
    with on_a_terminal(*ERASE, env=at(served, Role.DPO, "dana")) as terminal:
        terminal.read_until("Erase this for good? [y/N]: ")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "tlog: interrupted" in terminal.seen
    assert (served.service.size(), served.acts()) == (1, [])


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\x04", 1)])
def test_the_answer_counts(served: Served, answer: bytes, code: int) -> None:
    with on_a_terminal(*ERASE, env=at(served, Role.DPO, "dana")) as terminal:
        terminal.read_until("[y/N]: ")
        terminal.type(answer)
        assert terminal.end() == code
    assert ("done: erased" if code == 0 else "nothing was erased") in terminal.seen
    assert [action for _, action in served.acts()] == ([] if code else ["tlog.erasure"])
    assert served.service.size() == 1


def test_ctrl_c_while_entries_are_typed_ends_it_and_says_what_is_stored(served: Served) -> None:
    with on_a_terminal("append", "-", env=at(served, Role.WRITER, "clinic")) as terminal:
        terminal.type(json.dumps(entry_document(targets=[])).encode() + b"\n")
        terminal.read_until("entries: 1")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "1 entry is stored (index 1)" in terminal.seen
    assert "tlog: interrupted" in terminal.seen
