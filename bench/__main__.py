"""`python -m bench [NAME…] [--quick] [--json FILE] [--dir DIR]`: measure, print, never judge by exit code.

Exit code 0 if everything was measured, whether or not it reaches its floor; 1 if something could not be.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.add import add
from bench.audit import audit
from bench.batches import batches
from bench.drill import drill
from bench.erasure import erasure
from bench.figure import Figure
from bench.index_cost import index_cost
from bench.latency import latency
from bench.lookup import lookup
from bench.machine import describe
from bench.pages import pages
from bench.proofs import proofs
from bench.recovery import recovery
from bench.report import figure_text, machine_text
from bench.run import Run
from bench.witness_load import witness

MEASUREMENTS: Final[dict[str, Callable[[Run], Iterator[Figure]]]] = {
    "batches": batches,
    "add": add,
    "latency": latency,
    "proofs": proofs,
    "recovery": recovery,
    "fsck": audit,
    "witness": witness,
    "lookup": lookup,
    "drill": drill,
    "erasure": erasure,
    "index-cost": index_cost,
    "pages": pages,
}


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="tlog-bench-", dir=options.dir) as name:
        folder = Path(name)
        machine = describe(folder)
        print(machine_text(machine), flush=True)
        figures, failures = measure(options.names or list(MEASUREMENTS), Run(folder, quick=options.quick))
    if options.json is not None:
        document = {"machine": machine, "quick": options.quick, "figures": figures, "failed": failures}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if failures else 0


def measure(names: list[str], run: Run) -> tuple[list[dict[str, Any]], list[str]]:
    """Run these measurements, printing each figure; return the figures as JSON data and the names of what failed."""
    figures, failures = [], []
    for name in names:
        try:
            for figure in MEASUREMENTS[name](run):
                print(f"\n{figure_text(figure)}", flush=True)
                figures.append(figure.document())
        except Exception:  # the other figures are still worth having
            failures.append(name)
            print(f"\n{name}: FAILED", flush=True)
            traceback.print_exc(file=sys.stderr)
    return figures, failures


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure tlog with real processes.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; default all")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine and figures there too")
    parser.add_argument("--dir", type=Path, help="make the logs below this folder, on the file system to measure")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in MEASUREMENTS]:
        parser.error(f"no such measurement: {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
