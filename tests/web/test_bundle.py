"""Joining modules: what is understood, and that what is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.bundle import NotBundled, bundle


def modules(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_a_module_stands_once_and_behind_what_it_imports(tmp_path: Path) -> None:
    made = bundle(
        modules(
            tmp_path,
            main="import { one as first, two } from \"./a.js\";\nimport * as all from './b.js';\nfirst(two, all);\n",
            a='import { three } from "./b.js";\nexport const one = three;\nexport { x as two };\nfunction x() {}\n',
            b="export async function three() {}\nexport class Four {}\n",
        )
        / "main.js",
        tmp_path,
    )
    assert made.index("// b.js") < made.index("// a.js") < made.index("// main.js")
    assert made.count("// b.js") == 1
    assert "const { one: first, two } = m1;" in made
    assert "const all = m0;" in made
    assert "return { three: three, Four: Four };" in made
    assert "return { two: x, one: one };" in made
    assert '"use strict"' in made


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('import x from "./a.js";', "no form that is understood"),
        ('import "./a.js";', "no form that is understood"),
        ("export default 1;", "no form that is understood"),
        ("export let x = 1;", "no form that is understood"),
        ('export * from "./a.js";', "no form that is understood"),
        ('import { x } from "package";', "no relative path"),
        ('import { x } from "https://cdn.example/x.js";', "no relative path"),
        ('import { x } from "./missing.js";', "is not there"),
        ('import { x } from "../outside.js";', "is not there"),
        ('import { x } from "./main.js";', "imports itself"),
        ('const x = "</script>";', "would end the script"),
        ('const x = "<!--";', "would end the script"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "outside.js").write_text("export const x = 1;\n")
    folder = modules(tmp_path / "inner", a="export const x = 1;\n", main=text + "\n")
    with pytest.raises(NotBundled, match=why):
        bundle(folder / "main.js", folder)
