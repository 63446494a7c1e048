"""Notices that a program of the demo died, and decides whether the demo can go on without it."""

from __future__ import annotations

import asyncio
from typing import Never

from tlog.cli.demo.programs import Program
from tlog.cli.demo.stage import QUORUM, Say, Stage
from tlog.errors import Unavailable


async def watch(stage: Stage, say: Say) -> Never:
    """Wait for ever. Raises `ProgramFailed` once the log has ended, `Unavailable` once the quorum is out of reach."""
    waits = {asyncio.ensure_future(program.process.wait()): program for program in (stage.log, *stage.witnesses)}
    try:
        while True:
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in ended:
                _judge(waits.pop(wait), stage, say)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _judge(ended: Program, stage: Stage, say: Say) -> None:
    if ended is stage.log:
        raise ended.obituary()
    say(str(ended.obituary()))
    left = [witness.name for witness in stage.witnesses if witness.alive]
    if len(left) < QUORUM:
        raise Unavailable(
            f"no quorum: {len(left)} of {len(stage.witnesses)} witnesses are left and {QUORUM} must cosign, so nothing "
            f"more is published. {ended.obituary()}"
        )
