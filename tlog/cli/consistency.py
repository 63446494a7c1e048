"""`tlog consistency`: check that one tree of a log extends another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.connection import CaFile, RetryFor, Url, connect
from tlog.cli.files import read_file
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app, refused
from tlog.client.answers import ConsistencyProof
from tlog.client.client import LogClient
from tlog.errors import ConsistencyInvalid, Malformed, MalformedAnswer, NotFound, VerificationFailed
from tlog.formats.encoding import HASH_BYTES, b64decode, b64encode
from tlog.formats.policy import Policy, parse_policy
from tlog.merkle.verify import verify_consistency

app = new_app()

EXAMPLES = """\b
Examples:
  tlog consistency 1000 2000 --url https://log.example
  tlog consistency 1000 2000 --url https://log.example --policy policy.txt
Without a policy the two root hashes are the log's word. With one, both must be those of checkpoints that the
policy accepts, so both sizes must be sizes at which the log was witnessed ('GET /v1/checkpoints' lists them).
"""


@app.command(epilog=EXAMPLES)
def consistency(
    old: Annotated[int, typer.Argument(metavar="OLD", min=0, help="The smaller tree size.")],
    new: Annotated[int, typer.Argument(metavar="NEW", min=0, help="The larger tree size.")],
    url: Url,
    policy: Annotated[Path | None, typer.Option(help="A tlog-policy file to verify both checkpoints by.")] = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that the tree of size NEW extends that of size OLD. Fetches the consistency proof of the log."""
    if old > new:
        raise typer.BadParameter(f"OLD {old} is more than NEW {new}")
    trusted = None if policy is None else parse_policy(read_file(policy))
    try:
        proof = asyncio.run(_check(connect(url, ca_file=ca_file, retry_for=retry_for), old, new, trusted))
    except (VerificationFailed, Malformed) as error:
        raise refused(error, as_json) from None
    values = {"ok": True, "from": old, "to": new, "from_root": proof.from_root, "to_root": proof.to_root}
    values |= {"hashes": proof.hashes, "witnessed": trusted is not None}
    whose = "both witnessed" if trusted else "as the log states them; --policy verifies their checkpoints"
    emit(
        values,
        f"ok  consistency  the tree of {new} extends the tree of {old}\n"
        f"    {old}  {proof.from_root}\n    {new}  {proof.to_root}\n    root hashes: {whose}",
        as_json,
    )


async def _check(client: LogClient, old: int, new: int, policy: Policy | None) -> ConsistencyProof:
    async with client:
        proof = await client.consistency(old, new)
        roots = [b64decode(text, MalformedAnswer, "root hash", HASH_BYTES) for text in (proof.from_root, proof.to_root)]
        hashes = [b64decode(text, MalformedAnswer, "proof", HASH_BYTES) for text in proof.hashes]
        verify_consistency(old, new, hashes, roots[0], roots[1])
        if policy is not None:
            for size, root in zip((old, new), roots, strict=True):
                await _require_witnessed(client, policy, size, root)
    return proof


async def _require_witnessed(client: LogClient, policy: Policy, size: int, root: bytes) -> None:
    async for stored in client.checkpoints(size):
        if stored.size != size:
            break
        verified = policy.verify_checkpoint(stored.note.encode())
        if (verified.checkpoint.size, verified.checkpoint.root) != (size, root):
            raise ConsistencyInvalid(f"the witnessed root of size {size} is {b64encode(verified.checkpoint.root)}")
        return
    raise NotFound(f"the log has no witnessed checkpoint of size {size}")
