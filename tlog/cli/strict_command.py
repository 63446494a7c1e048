"""Commands that take an option once: of two values given, neither is dropped without a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class StrictCommand(TyperCommand):
    """A command that refuses an option given twice, unless it may be repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as typer does. Raises `BadParameter`."""
        refuse_repeated(self, ctx, args)
        return super().parse_args(ctx, args)


class StrictGroup(TyperGroup):
    """A group that does so for its own options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as typer does. Raises `BadParameter`."""
        refuse_repeated(self, ctx, args)
        return super().parse_args(ctx, args)


def refuse_repeated(command: Any, ctx: Any, args: list[str]) -> None:
    """Raise `BadParameter` for an option that takes one value and has two."""
    if not args or ctx.resilient_parsing:
        return
    _, _, given = command.make_parser(ctx).parse_args(list(args))
    for option, times in Counter(given).items():
        if times > 1 and option.param_type_name == "option" and not (option.multiple or option.is_flag):
            raise typer.BadParameter(f"it is given {times} times, and takes one value", ctx=ctx, param=option)
