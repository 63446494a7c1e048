"""Measurements with real processes: `python -m bench`. `docs/bench.md` says what each figure means."""
