"""How figures and the machine are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.figure import Figure


def machine_text(machine: Mapping[str, Any]) -> str:
    """Return the machine as lines `name  value`."""
    return "\n".join(f"{name:20} {_plain(value)}" for name, value in machine.items())


def figure_text(figure: Figure) -> str:
    """Return a figure in a line, with its verdict, and its settings and by-products below."""
    verdict = f"   [floor: {figure.floor.text()}: {figure.verdict}]" if figure.floor else ""
    lines = [f"{figure.name:34} {number(figure.value):>12} {figure.unit}{verdict}"]
    seen = {name: number(value) for name, value in figure.seen.items()}
    lines += [f"    {_plain(values)}" for values in (figure.settings, seen) if values]
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a number with three significant digits or more, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
