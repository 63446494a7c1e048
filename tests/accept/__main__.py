"""Run the checks: `python -m tests.accept [SLUG…]`. One line each; exit 1 on any FAIL.

A check whose real part is missing (Chromium) is a `skip`, said with its line; with TLOG_REQUIRE_ALL=1 it is a FAIL.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.accept import (  # noqa: F401
    access,
    appends,
    browser,
    clocks,
    drilling,
    evidence,
    finding,
    forgetting,
    history,
    killed,
    million,
    pages,
    privacy,
    reads,
    restoring,
    roles,
)
from tests.accept.promises import CHECKS, INTEROP, promises

OK: Final = "ok"
FAIL: Final = "FAIL"
SKIP: Final = "skip"


def main(slugs: list[str]) -> int:
    """Check the named promises, or all; return the exit code."""
    texts = promises()
    unshown = set(texts) - {*CHECKS, INTEROP} | set(CHECKS) - set(texts)
    if unshown or set(slugs) - set(CHECKS):
        print(f"FAIL  the README and the checks disagree: {sorted(unshown | (set(slugs) - set(CHECKS)))}")
        return 1
    chosen = [slug for slug in texts if slug in CHECKS and (not slugs or slug in slugs)]
    said = Counter(_show(slug, texts[slug]) for slug in chosen)
    skipped = f", {said[SKIP]} skipped" if said[SKIP] else ""
    print(f"{said[OK]} passed, {said[FAIL]} failed{skipped}", flush=True)
    return 1 if said[FAIL] else 0


def _show(slug: str, promise: str) -> str:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tlog-accept-") as folder:
        try:
            figure = CHECKS[slug](Path(folder))
        except pytest.skip.Exception as missing:
            return _line(SKIP, slug, promise, str(missing), started)
        except (Exception, pytest.fail.Exception) as error:
            first = (str(error).strip() or repr(error)).splitlines()
            _line(FAIL, slug, promise, f"{type(error).__name__}: {first[0][:400]}", started)
            print("\n".join(f"      {line}" for line in first[1:40]), file=sys.stderr)
            return FAIL
    return _line(OK, slug, promise, figure, started)


def _line(verdict: str, slug: str, promise: str, figure: str, started: float) -> str:
    print(f"{verdict:<4}  {slug}: {promise}  [{figure}; {time.monotonic() - started:.1f} s]", flush=True)
    return verdict


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
