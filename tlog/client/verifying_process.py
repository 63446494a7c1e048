"""Verify evidence in a process of its own, as somebody does who has nothing but the policy.

The process gets neither the log's address nor a token: not on its command line, not in its environment, not in a file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from msgspec import Struct

from tlog.client import verify_alone
from tlog.client.answers import decode
from tlog.client.drill_desk import Verified
from tlog.errors import MalformedAnswer, Unavailable, VerificationFailed
from tlog.formats.encoding import HASH_BYTES, b64decode

SECONDS: Final = 60
_ARGUMENTS: Final = ("-P", "-m", verify_alone.__name__)
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class _Said(Struct, frozen=True):
    index: int | None = None
    leaf: str = ""
    check: str = ""
    error: str = ""


async def verify_in_process(policy: bytes, evidence: bytes, seconds: float = SECONDS) -> Verified:
    """Return what the evidence of one entry proves under a policy file.

    Raises `VerificationFailed` where the process refuses it; `Unavailable` where there is no answer in time.
    """
    process = await _started()
    try:
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate(policy + verify_alone.SEPARATOR + evidence)
    except TimeoutError:
        raise Unavailable(f"the process that verifies did not answer within {seconds:g} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _verified(out, process.returncode)


async def _started() -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, *_ARGUMENTS, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
    except OSError as error:
        raise Unavailable(f"the process that verifies can't be started: {error.strerror}") from None


def _verified(out: bytes, code: int | None) -> Verified:
    try:
        said = decode(out, _Said)
    except MalformedAnswer:
        raise Unavailable(f"the process that verifies ended with {code} and said nothing") from None
    if code != 0 or said.index is None:
        raise VerificationFailed(f"{said.check}: {said.error}")
    return Verified(said.index, b64decode(said.leaf, MalformedAnswer, "leaf", HASH_BYTES))
