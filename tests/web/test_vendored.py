"""Vendored code is what its README says: these bytes, made of those of the archive by one change of imports."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from tests.docs.pages import ROOT

VENDOR = ROOT / "web/static/vendor"
ROW = re.compile(r"^\| `(?P<path>[^`]+)` \| `(?P<here>[0-9a-f]{64})` \| `(?P<archive>[0-9a-f]{64})` \|$", re.M)


def rows() -> dict[str, tuple[str, str]]:
    found = ROW.finditer((VENDOR / "README.md").read_text(encoding="utf-8"))
    return {row["path"]: (row["here"], row["archive"]) for row in found}


def as_in_the_archive(data: bytes) -> bytes:
    return re.sub(rb"^(import .* from ')\.\./noble-", rb"\1@noble/", data, flags=re.M)


def test_every_file_is_listed_and_has_the_bytes_that_are_listed() -> None:
    listed = rows()
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()} - {"README.md"}
    assert there == set(listed)
    for path, (here, archive) in listed.items():
        data = (VENDOR / path).read_bytes()
        assert sha256(data).hexdigest() == here, path
        assert sha256(as_in_the_archive(data)).hexdigest() == archive, path


def test_every_package_has_its_licence() -> None:
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert "MIT License" in (folder / "LICENSE").read_text(encoding="utf-8")


def test_one_module_imports_it() -> None:
    importing = [
        path.name
        for path in (ROOT / "web/static").rglob("*.js")
        if imports_vendored(path) and VENDOR not in path.parents
    ]
    assert importing == ["ml_dsa_44.js"]


def imports_vendored(path: Path) -> bool:
    return "/vendor/" in path.read_text(encoding="utf-8")
