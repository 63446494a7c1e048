"""Rules that every JavaScript module of ours keeps."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT
from web.bundle import bundle

STATIC = ROOT / "web/static"
MODULES = sorted(path for path in (STATIC / "verify").glob("*.js")) + sorted((STATIC / "evidence").glob("*.js"))
FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "import("),
    *("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "localStorage", "document.cookie", "console."),
)


@pytest.mark.parametrize("name", [path.relative_to(STATIC).as_posix() for path in MODULES])
def test_a_module_says_what_it_is_and_reaches_for_nothing(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert text.startswith("/**"), "what it is stands first"
    assert [word for word in FORBIDDEN if word in text] == []
    assert len(text.splitlines()) <= 200
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("name", [path.relative_to(STATIC).as_posix() for path in MODULES])
def test_nothing_is_imported_for_nothing(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    for names in re.findall(r"^import \{([^}]*)\}", text, re.M):
        for imported in names.split(","):
            own = imported.strip().rpartition(" as ")[2]
            assert len(re.findall(rf"(?:(?<![\w.])|(?<=\.\.\.)){re.escape(own)}\b", text)) > 1, own


def test_every_module_of_the_verifier_is_part_of_the_page() -> None:
    script = bundle(STATIC / "evidence/page.js", STATIC)
    assert [path.name for path in MODULES if f"// {path.relative_to(STATIC).as_posix()}\n" not in script] == []
