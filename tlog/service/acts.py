"""Acts under way: asked for, approved by a second person where that is set, run to their end, logged.

Rules:

* One act runs at a time, under `lock`; whoever destroys keys or parts holds it.
* What an act says (`Payload`) is stored encrypted only, and is gone once the act's own entry is in the log.
* An act that is begun is finished: by the request that began it, by the next one, or by `resume` after a restart.
  So everything in it may happen twice.
* An act that waits and has its entry was ended there: declined, or overtaken. Only its state is moved after it.
* A decision is an entry of whoever decides, before anything comes of it. What was declined there is declined after a
  crash; what was only approved goes on waiting, and may be approved again.
* A second person is somebody of another name with another token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar
from uuid import UUID

import msgspec
import structlog

from tlog.audit.entry import Actor, new_entry_id
from tlog.errors import Conflict, DecryptionFailed, NotFound, TlogError, Unavailable
from tlog.keys.keyring import Keyring
from tlog.service.own_entries import SERVICE, OwnEntries, derived_id
from tlog.service.principal import ACTOR_TYPES, Principal, Right
from tlog.service.second_person import require_second
from tlog.storage.act_store import UNFINISHED, Act, ActKind, ActState, ActStore

Payload = dict[str, Any]
"""What an act says. `by` is the name of whoever asked, `by_type` their type of actor; each kind says the rest."""
Step = Callable[[str], None]
"""Told the name of each step of an act once it is done; tests end the process there."""
Outcome = Literal["allowed", "denied", "failed"]
PURPOSES: Final = {
    ActKind.ERASURE: "erasure of personal data",
    ActKind.EXPIRY: "end of the retention period",
    ActKind.HOLD: "legal hold",
    ActKind.LIFT: "end of a legal hold",
    ActKind.RESUME: "expiry goes on after a restore",
    ActKind.GRANT: "access to the audit log is granted",
}
APPROVED: Final = "tlog.act.approve"
DECLINED: Final = "tlog.act.decline"
"""Actions of the entries that say who decided on an act."""
T = TypeVar("T")
_PROTECTING: Final = frozenset({ActKind.HOLD, ActKind.LIFT})
"""Acts whose reason the log does not repeat: it may point at somebody, and no erasure would reach it there."""
_logger = structlog.get_logger()


class Executor(Protocol):
    """Runs the acts of one kind."""

    async def run(self, act: Act) -> Act:
        """Bring an act that is begun or applied to its end and return it. The caller holds the lock.

        Everything may have been done before. Raises `TlogError` subclasses; the act then stays where it is, or is
        `refused` where nothing was destroyed.
        """
        ...


@dataclass(slots=True)
class Progress:
    """How far an act under way is: what is being done, how many of how many."""

    phase: str
    done: int = 0
    total: int = 0


@dataclass(slots=True)
class Acts:
    """Everything that is common to acts. Belongs to one event loop.

    `refusal` returns why no act may begin now, or None. `now` returns microseconds since the epoch.
    """

    store: ActStore
    keyring: Keyring
    own: OwnEntries
    now: Callable[[], int]
    refusal: Callable[[], Unavailable | None] = lambda: None
    step: Step = lambda _: None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    progress: dict[bytes, Progress] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _executors: dict[ActKind, Executor] = field(default_factory=dict)

    def register(self, kind: ActKind, executor: Executor) -> None:
        """Say who runs the acts of a kind."""
        self._executors[kind] = executor

    def require_open(self) -> None:
        """Raise `LogHalted` or `Unavailable` where the log can't log an act now."""
        refusal = self.refusal()
        if refusal is not None:
            raise refusal

    async def begin(self, kind: ActKind, payload: Payload, principal: Principal | None, **values: Any) -> Act:
        """Store a new act, begun: from here on it will be finished. Raises `LogHalted`."""
        return await self._add(kind, ActState.BEGUN, payload, principal, values)

    async def propose(self, kind: ActKind, payload: Payload, principal: Principal, **values: Any) -> Act:
        """Store a new act that waits for a second person. Raises `LogHalted`."""
        return await self._add(kind, ActState.PENDING, payload, principal, values)

    async def approve(self, act_id: bytes, principal: Principal) -> Act:
        """Run an act that waits for a second person, who this principal is, and return it done.

        Raises `NotFound`, `Conflict` if it does not wait, `Forbidden` for the same person, `LogHalted`, and what the
        act raises.
        """
        self.require_open()
        async with self.lock:
            act = await self._pending(act_id, principal)
            payload = self.payload(act)
            require_second(act.requested_by, payload.get("by"), principal)
            await self._log_decision(act, new_act_id(), APPROVED, principal)
            sealed = self.sealed(act.act_id, payload | {"approved_by": principal.name})
            values = {"approved_by": principal.id, "payload": sealed}
            act = await asyncio.to_thread(self.store.move, act, ActState.BEGUN, **values)
            self.step("approved")
            return await self.run(act)

    async def decline(self, act_id: bytes, principal: Principal) -> Act:
        """Refuse an act that waits for a second person; anybody who may approve, and whoever asked, can.

        Raises `NotFound`, `Conflict` if it does not wait, `LogHalted`.
        """
        self.require_open()
        async with self.lock:
            act = await self._pending(act_id, principal)
            said = self.payload(act) | asked_by(principal) | {"declined_by": principal.name}
            await self._log_decision(act, _decline_id(act), DECLINED, principal)
            return await self.conclude(act, {"declined": True}, "denied", ActState.DECLINED, said)

    async def run(self, act: Act) -> Act:
        """Bring an act that is begun to its end. The caller holds the lock."""
        try:
            return await self._executors[act.kind].run(act)
        finally:
            self.progress.pop(act.act_id, None)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that goes on though its caller goes away; `stop` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, TlogError):
            _logger.error("an act failed unexpectedly", error=type(error).__name__)  # its text may quote anything

    async def resume(self) -> None:
        """Finish what a crash, or a refusing database, left unfinished; what fails again is left and reported."""
        async with self.lock:
            for act in await asyncio.to_thread(self.store.in_states, [ActState.PENDING]):
                await self._settled(act)
            await self.finish_others()

    async def finish_others(self, kind: ActKind | None = None) -> dict[bytes, TlogError]:
        """Do what `resume` does, of a kind or all, for a caller who holds the lock: what is unfinished is nobody's.

        Returns why those could not be finished that were not, by their ids; a refusal is an end.
        """
        left: dict[bytes, TlogError] = {}
        for act in await asyncio.to_thread(self.store.in_states, UNFINISHED, kind):
            try:
                await self.run(act)
            except TlogError as error:
                _logger.error("an act is not finished", act=str(UUID(bytes=act.act_id)), reason=str(error))
                left[act.act_id] = error
        unfinished = (
            {act.act_id for act in await asyncio.to_thread(self.store.in_states, UNFINISHED)} if left else set()
        )
        return {act_id: error for act_id, error in left.items() if act_id in unfinished}

    async def conclude(  # noqa: PLR0913, PLR0917 - what an entry says
        self,
        act: Act,
        details: Payload,
        outcome: Outcome = "allowed",
        state: ActState = ActState.DONE,
        payload: Payload | None = None,
        action: str | None = None,
    ) -> Act:
        """Log an act and bring it to its last state, without payload; `payload` replaces what it says.

        A crash between the two: the entry is found by its id, and only the state is missing.
        """
        said = self.payload(act) if payload is None else payload
        index = await self.log(act.act_id, act.kind, said, details, outcome, action)
        values = {"payload": None, "entry_index": index}
        self.step("logged")
        done = await asyncio.to_thread(self.store.move, act, state, **values)
        self.step("done")
        return done

    async def log(  # noqa: PLR0913, PLR0917 - what an entry says
        self,
        act_id: bytes,
        kind: ActKind,
        payload: Payload,
        details: Payload,
        outcome: Outcome = "allowed",
        action: str | None = None,
    ) -> int:
        """Append the entry that says what was done, or refused, and return its index."""
        names = ("approved_by",) if kind in _PROTECTING else ("reason", "approved_by")
        said = {name: payload[name] for name in names if payload.get(name) is not None}
        return await self.own.log(
            act_id,
            _actor(payload),
            action or f"tlog.{kind}",
            outcome,
            {"act": str(UUID(bytes=act_id)), **details, **said},
            purpose=PURPOSES[kind],
            legal_basis=payload.get("legal_basis"),
        )

    def payload(self, act: Act) -> Payload:
        """Return what an act says; nothing for one that came back from an erasure record, or whose keyring did not."""
        if act.payload is None:
            return {}
        try:
            return dict(msgspec.json.decode(self.keyring.open_payload(act.payload, act.act_id)))
        except DecryptionFailed:
            return {}

    def sealed(self, act_id: bytes, payload: Payload) -> bytes:
        """Return a payload as it is stored."""
        return self.keyring.seal_payload(msgspec.json.encode(payload), act_id)

    async def _add(
        self, kind: ActKind, state: ActState, payload: Payload, principal: Principal | None, values: dict[str, Any]
    ) -> Act:
        self.require_open()
        act_id = new_act_id()
        sealed = self.sealed(act_id, payload)
        by = None if principal is None else principal.id
        values = {"requested_by": by, "payload": sealed, **values}
        return await asyncio.to_thread(self.store.add, act_id, kind, state, self.now(), **values)

    async def _log_decision(self, act: Act, entry_id: bytes, action: str, principal: Principal) -> None:
        """Append the entry that says who decides; durable on return, before anything comes of it."""
        details = {"act": str(UUID(bytes=act.act_id)), "kind": act.kind.value}
        await self.own.log(entry_id, principal.actor(), action, "allowed", details, purpose=PURPOSES[act.kind])
        self.step("decision logged")

    async def _settled(self, act: Act) -> Act:
        """Return an act that waits as its entries say that it ended, where something came between."""
        if act.state is not ActState.PENDING:
            return act
        entry = await asyncio.to_thread(self.own.find, act.act_id)
        if entry is None:
            if await asyncio.to_thread(self.own.find, _decline_id(act)) is None:
                return act
            nobody = {name: value for name, value in self.payload(act).items() if name not in {"by", "authorised_by"}}
            return await self.conclude(act, {"declined": True}, "denied", ActState.DECLINED, nobody)
        state = ActState.DECLINED if entry.columns["outcome"] == "denied" else ActState.OVERTAKEN
        return await asyncio.to_thread(self.store.move, act, state, payload=None, entry_index=entry.index)

    async def _pending(self, act_id: bytes, principal: Principal) -> Act:
        act = await asyncio.to_thread(self.store.get, act_id)
        principal.require(decider_of(act.kind))
        act = await self._settled(act)
        if act.state is not ActState.PENDING:
            raise Conflict(f"this act does not wait for anybody: it is {act.state}")
        return act


def _decline_id(act: Act) -> bytes:
    """Return the id of the entry that says who declined an act: the same whenever asked."""
    return derived_id(b"decline", act.act_id)


def _actor(payload: Payload) -> Actor:
    if payload.get("by") is None:
        return SERVICE
    return Actor(type=payload.get("by_type", "token"), id=payload["by"], name=payload.get("authorised_by"))


def asked_by(principal: Principal) -> Payload:
    """Return what every act says: who asked for it."""
    return {"by": principal.name, "by_type": ACTOR_TYPES[principal.kind]}


def decider_of(kind: ActKind) -> Right:
    """Return what whoever approves or declines an act of this kind must have the right to."""
    return Right.ADMINISTER if kind is ActKind.GRANT else Right.PROTECT


def new_act_id() -> bytes:
    """Return the 16 bytes of a fresh UUIDv7."""
    return UUID(new_entry_id()).bytes


def parse_act_id(text: str) -> bytes:
    """Return the bytes of an act's id in its text form. Raises `NotFound` for what can't be one."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound("there is no such act") from None
    return found.bytes
