"""Run the checks: `python -m tests.accept [SLUG…]`. One line each; exit 1 on any FAIL."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.accept import access, appends, drilling, evidence, finding, forgetting, history, killed, privacy, restoring  # noqa: F401
from tests.accept.promises import CHECKS, INTEROP, promises


def main(slugs: list[str]) -> int:
    """Check the named promises, or all; return the exit code."""
    texts = promises()
    unshown = set(texts) - {*CHECKS, INTEROP} | set(CHECKS) - set(texts)
    if unshown or set(slugs) - set(CHECKS):
        print(f"FAIL  the README and the checks disagree: {sorted(unshown | (set(slugs) - set(CHECKS)))}")
        return 1
    chosen = [slug for slug in texts if slug in CHECKS and (not slugs or slug in slugs)]
    failed = sum(not _show(slug, texts[slug]) for slug in chosen)
    print(f"{len(chosen) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def _show(slug: str, promise: str) -> bool:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tlog-accept-") as folder:
        try:
            figure = CHECKS[slug](Path(folder))
        except Exception as error:
            first = (str(error).strip() or repr(error)).splitlines()
            _line("FAIL", slug, promise, f"{type(error).__name__}: {first[0][:400]}", started)
            print("\n".join(f"      {line}" for line in first[1:40]), file=sys.stderr)
            return False
    _line("ok", slug, promise, figure, started)
    return True


def _line(verdict: str, slug: str, promise: str, figure: str, started: float) -> None:
    print(f"{verdict:<4}  {slug}: {promise}  [{figure}; {time.monotonic() - started:.1f} s]", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
