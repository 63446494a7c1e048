"""JavaScript modules joined into one classic script, for a page that is opened from disk: there, nothing is imported.

Each module becomes a function that is called once, in an order in which every module stands behind those that it
imports:

    const m1 = (() => {                      // verify/note.js
    const { malformed } = m0;                // import { malformed } from "./refusal.js";
    function parseNote(data) { … }           // export function parseNote(data) { … }
    return { parseNote };
    })();

Rules: imports and exports stand at the start of a line, in the forms above, `import * as x`, `export { a, b as c };`
and `export async function | function | class | const`. Whatever else begins a line with `import` or `export` is
refused, as is a circle of imports: a page is never made of something half understood.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(
    r"^import\s+(?:\{(?P<names>[^{}]*)\}|\*\s+as\s+(?P<all>\w+))\s+from\s+([\"'])(?P<path>[^\"']+)\3;[ \t]*$", re.M
)
_EXPORT_LIST: Final = re.compile(r"^export\s+\{(?P<names>[^{}]*)\};[ \t]*$", re.M)
_EXPORT: Final = re.compile(r"^export\s+(?P<what>(?:async\s+)?function|class|const)\s+(?P<name>[A-Za-z_$][\w$]*)", re.M)
_LEFT: Final = re.compile(r"^(?:import|export)\b.*", re.M)
_BREAKS_OUT: Final = re.compile(r"</script|<!--", re.I)


class NotBundled(ValueError):
    """A module that cannot be joined with others. The message names it and what is in the way."""


def bundle(entry: Path, root: Path) -> str:
    """Return `entry` and all that it imports as one script. `root` is the folder that paths in comments start from.

    Raises `NotBundled`.
    """
    joined = _Bundle(root)
    joined.add(entry.resolve(), ())
    script = '"use strict";\n(() => {\n' + "".join(joined.parts) + "})();\n"
    if found := _BREAKS_OUT.search(script):
        raise NotBundled(f"{found[0]!r} in a module would end the script in a page")
    return script


class _Bundle:
    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._names: dict[Path, str] = {}
        self.parts: list[str] = []

    def add(self, path: Path, above: tuple[Path, ...]) -> str:
        """Return the variable that holds a module's exports; `above` are the modules that are importing it."""
        if path in above:
            raise NotBundled(f"{self._shown(path)} imports itself, by way of others")
        if path not in self._names:
            part = self._part(path, (*above, path))
            self._names[path] = f"m{len(self._names)}"
            self.parts.append(f"const {self._names[path]} = (() => {{ // {self._shown(path)}\n{part}\n}})();\n")
        return self._names[path]

    def _part(self, path: Path, above: tuple[Path, ...]) -> str:
        exports: dict[str, str] = {}
        text = _IMPORT.sub(lambda found: self._import(found, path, above), path.read_text(encoding="utf-8"))
        text = _EXPORT_LIST.sub(lambda found: _export_list(found, exports), text)
        text = _EXPORT.sub(lambda found: _export(found, exports), text)
        if found := _LEFT.search(text):
            raise NotBundled(f"{self._shown(path)}: {found[0][:60]!r} is in no form that is understood")
        return f"{text}return {{ {', '.join(f'{name}: {own}' for name, own in exports.items())} }};"

    def _import(self, found: re.Match[str], path: Path, above: tuple[Path, ...]) -> str:
        if not found["path"].startswith("."):
            raise NotBundled(f"{self._shown(path)}: {found['path']!r} is no relative path")
        target = (path.parent / found["path"]).resolve()
        if not target.is_relative_to(self._root) or not target.is_file():
            raise NotBundled(f"{self._shown(path)}: {found['path']!r} is not there")
        name = self.add(target, above)
        return f"const {found['all'] or _pattern(found['names'])} = {name};"

    def _shown(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _pattern(names: str) -> str:
    """Return the destructuring pattern of an import's names: `a as b` is `a: b`."""
    return "{ " + ", ".join(": ".join(pair) for pair in _pairs(names)) + " }"


def _export_list(found: re.Match[str], exports: dict[str, str]) -> str:
    for own, *renamed in _pairs(found["names"]):
        exports[renamed[0] if renamed else own] = own
    return ""


def _export(found: re.Match[str], exports: dict[str, str]) -> str:
    exports[found["name"]] = found["name"]
    return f"{found['what']} {found['name']}"


def _pairs(names: str) -> list[list[str]]:
    return [re.split(r"\s+as\s+", name.strip()) for name in names.split(",") if name.strip()]
