"""What the documentation points at exists: pages, headings, files, tests, make targets and commands."""

from __future__ import annotations

import re
from functools import cache

import pytest
from typer.testing import CliRunner

from tests.docs.pages import ROOT, Page, page, pages
from tests.docs.test_specs import TEST, definitions
from tlog.cli.main import app as tlog
from witness.cli import app as tlog_witness

PAGES = pages()
PATH = re.compile(r"(?:tlog|witness|tests|docs|bench|web|\.ci)/[\w./-]*")
COMMAND = re.compile(r"(?<![\w/.-])(tlog|tlog-witness) ([a-z][a-z-]+)((?: +[^\s`'|>&]+)*)")
PROGRAMS = {"tlog": tlog, "tlog-witness": tlog_witness}


@pytest.fixture(params=PAGES, ids=[each.name for each in PAGES])
def each(request: pytest.FixtureRequest) -> Page:
    found: Page = request.param
    return found


def test_there_are_pages() -> None:
    assert len(PAGES) > 15


def test_links_lead_somewhere(each: Page) -> None:
    for link in each.links():
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (each.path.parent / target).resolve() if target else each.path
        assert path.exists(), link
        assert ROOT in path.parents, link
        if anchor:
            assert anchor in Page(path).anchors(), link


def test_files_named_exist(each: Page) -> None:
    for code in each.inline_code():
        if PATH.fullmatch(code):
            assert (ROOT / code).exists(), code


def test_tests_named_exist(each: Page) -> None:
    for path, name in TEST.findall(each.text):
        assert name in definitions(path), f"{path}::{name}"


def test_make_targets_exist(each: Page) -> None:
    there = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"make ([a-z]+)", "\n".join([*each.inline_code(), *each.fences("sh")])):
        assert target in there, target


def test_commands_and_their_options_exist(each: Page) -> None:
    shown = [*each.inline_code(), *each.fences("sh"), *each.fences("console")]
    for text in shown:
        for program, command, rest in COMMAND.findall(text.replace("\\\n", " ")):
            words = command_words(program, command, rest)
            for option in re.findall(r"(?<=\s)--[a-z-]+", rest):
                assert option in help_of(program, words), f"{program} {' '.join(words)} {option}"
            assert help_of(program, words), f"{program} {' '.join(words)}"


def command_words(program: str, command: str, rest: str) -> tuple[str, ...]:
    """Return the command with those of the next words that name commands within it."""
    words = [command]
    for word in rest.split():
        listed = re.findall(r"^  ([a-z][a-z-]*)(?: |$)", help_of(program, tuple(words)).partition("Commands:")[2], re.M)
        if word not in listed:
            break
        words.append(word)
    return tuple(words)


def test_nothing_is_left_to_do(each: Page) -> None:
    assert not re.search(r"\b(TODO|FIXME|TBD|XXX)\b", each.text)


@cache
def help_of(program: str, words: tuple[str, ...]) -> str:
    done = CliRunner().invoke(PROGRAMS[program], [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    return done.output if done.exit_code == 0 else ""


def test_the_check_of_commands_can_fail() -> None:
    assert help_of("tlog", ("verify",))
    assert not help_of("tlog", ("nonsense",))
    assert "--nonsense" not in help_of("tlog", ("verify",))
    assert page("README.md").fences("sh")
