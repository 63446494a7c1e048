"""`tlog demo` without `--once`: entries arrive at a gentle rate, and one proof is shown to be verified."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tlog.audit.entry import Actor, Entry
from tlog.audit.fields import instant
from tlog.cli.demo.concurrent import all_of, guarded
from tlog.cli.demo.entries import EntryGenerator, to_json
from tlog.cli.demo.feed import Feed, newest, open_feed, published
from tlog.cli.demo.programs import ProgramFailed
from tlog.cli.demo.stage import VISITOR, Say, Stage
from tlog.cli.demo.watch import watch
from tlog.keys.secret_file import create_secret_file
from tlog.service.log_parts import now_us

OPENING: Final = 20
_REPORT_SECONDS: Final = 5.0


async def run_live(stage: Stage, seed: int, rate: float, say: Say) -> None:
    """Stream entries, `rate` a second on average, until cancelled. Raises a `TlogError` if it cannot go on."""
    await guarded(_Live(stage, seed, say).run(rate), watch(stage, say))


class _Live:
    def __init__(self, stage: Stage, seed: int, say: Say) -> None:
        self._stage = stage
        self._generator = EntryGenerator(seed)
        self._random = Random(seed)  # noqa: S311 - a play
        self._say = say
        self._appended = 0
        self._folder = stage.folder.path.parent

    async def run(self, rate: float) -> None:
        async with open_feed(self._stage) as feed:
            opening = await self._append(feed, OPENING)
            await asyncio.to_thread(self._write_tokens)
            self._say_addresses()
            await published(self._stage, feed.auditor, max(opening) + 1)
            await self._show_proof(self._random.choice(opening))
            self._say("\nentries are arriving; Ctrl-C ends everything")
            await all_of((self._stream(feed, rate), self._report(feed)))

    async def _stream(self, feed: Feed, rate: float) -> None:
        while True:
            await self._append(feed, 1)
            await asyncio.sleep(self._random.expovariate(rate))

    async def _append(self, feed: Feed, count: int) -> list[int]:
        ids = await feed.append([self._generator.next(now_us()) for _ in range(count)])
        self._appended += count
        return sorted(ids)

    async def _report(self, feed: Feed) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            found = await newest(self._stage, feed.auditor)
            alive = sum(witness.alive for witness in self._stage.witnesses)
            size = 0 if found is None else found.size
            covered = f"{size} under the witnessed checkpoint, with the log's own"
            self._say(f"{self._appended} entries; {covered}; {alive} witnesses running")

    def _write_tokens(self) -> None:
        for name, token in (
            *self._stage.tokens.items(),
            (VISITOR, self._stage.visitor),
            ("auditor", self._stage.auditor),
        ):
            create_secret_file(self._folder / f"{name}.token", f"{token}\n".encode())

    def _say_addresses(self) -> None:
        log, policy = self._stage.log, self._stage.folder.policy
        example = Entry(
            schema=1,
            source=VISITOR,
            seq=0,
            occurred_at=instant(now_us()),
            actor=Actor(type="person", id="me"),
            action="demo.try",
            outcome="allowed",
            purpose="trying it out",
        )
        lines = ["", f"pages       {log.url}/ui/", f"log         {log.url}", f"checkpoint  {log.url}/checkpoint"]
        lines += [f"{witness.name}  {witness.url}" for witness in self._stage.witnesses]
        lines += [f"policy      {policy}", "", *self._ways_in(), "", "append an entry of your own:"]
        lines.append(
            f"  curl -H 'Authorization: Bearer {self._stage.visitor}' -H 'Content-Type: application/json' \\\n"
            f"    -d {shlex.quote(to_json(example).decode())} {log.url}/v1/entries"
        )
        self._say("\n".join(lines))

    def _ways_in(self) -> list[str]:
        link = [*tlog_command(), "token", "link", str(self._stage.folder.path), "--url", self._stage.log.url]
        return [
            "open the pages in a browser; log in as an auditor with the text of this file:",
            f"  {self._folder / 'auditor.token'}",
            "or as an officer or admin with a link that this prints:",
            f"  {shlex.join([*link, '--dpo', 'dana'])}",
            f"  {shlex.join([*link, '--admin', 'root'])}",
        ]

    async def _show_proof(self, index: int) -> None:
        """Fetch an entry and its proof and verify them, by the commands that a user would type."""
        folder, url, tlog = self._folder, self._stage.log.url, tlog_command()
        proof, entry = folder / f"entry-{index}.tlog-proof", folder / f"entry-{index}.json"
        auditor = ("--token-file", str(folder / "auditor.token"))
        policy = ("--policy", str(self._stage.folder.policy))
        self._say("\nfetch an entry and its proof, and verify both without the log:")
        await self._run([*tlog, "prove", str(index), "--url", url, "--output", str(proof)])
        await self._run([*tlog, "get", str(index), "--url", url, *auditor, "--json"], entry)
        await self._run([*tlog, "verify", str(proof), *policy, "--entry", str(entry)])

    async def _run(self, argv: Sequence[str], output: Path | None = None) -> None:
        self._say(f"  $ {shlex.join(argv)}" + ("" if output is None else f" > {shlex.quote(str(output))}"))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe, process_group=0)
        try:
            said, complained = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise ProgramFailed(f"{shlex.join(argv)}: {complained.decode('utf-8', 'replace')[-2000:]}")
        if output is not None:
            await asyncio.to_thread(output.write_bytes, said)
        else:
            self._say("\n".join(f"    {line}" for line in said.decode("utf-8", "replace").splitlines()))


def tlog_command() -> tuple[str, ...]:
    """Return how a user can call this `tlog` from any folder."""
    script = Path(sys.executable).with_name("tlog")
    return (str(script),) if script.exists() else (sys.executable, "-m", "tlog.cli.main")
