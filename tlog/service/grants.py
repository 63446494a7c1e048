"""Grants: a credential issued over HTTP is an act, logged as one, and waits for a second admin where that is set.

The text of a token is made by whoever asks and never stored: the act knows its SHA-256. So a token that waits for
approval is in its asker's hands already, and worth nothing before somebody else agrees.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tlog.audit.fields import instant
from tlog.errors import Conflict
from tlog.service.acts import PURPOSES, Acts, Payload, asked_by
from tlog.service.own_entries import derived_id
from tlog.service.principal import Principal
from tlog.storage.act_store import Act, ActKind, ActState
from tlog.storage.roles import RowScope, roles_of, sorted_names
from tlog.storage.token_store import Credential, NewToken, Token, TokenStore, new_token_id

REVOKED: Final = "tlog.token.revoke"
"""The action of the entry that says that a credential was revoked."""


class Grants:
    """Runs the acts that issue credentials. Belongs to one event loop."""

    def __init__(self, acts: Acts, tokens: TokenStore, *, second_person: bool) -> None:
        self._acts = acts
        self._tokens = tokens
        self._second_person = second_person

    async def request(self, new: NewToken, digest: bytes, principal: Principal) -> tuple[str, Act]:
        """Issue a credential whose SHA-256 is `digest`; return its id and the act, which may wait for a second admin.

        `new` was checked. Raises `Conflict` for a certificate that is known, `LogHalted`.
        """
        self._acts.require_open()
        await asyncio.to_thread(self._tokens.require_unknown, digest)
        token_id = new_token_id()
        payload = asked_by(principal) | {"token": token_id, "digest": digest.hex(), **said_of(new)}
        async with self._acts.lock:
            await self._acts.finish_others(ActKind.GRANT)  # one that a full queue, say, kept from being logged
            if self._second_person:
                act = await self._acts.propose(ActKind.GRANT, payload, principal)
                self._acts.step("proposed")
                return token_id, act
            act = await self._acts.begin(ActKind.GRANT, payload, principal)
            self._acts.step("begun")
            return token_id, await self._acts.run(act)

    async def revoke(self, token_id: str, principal: Principal) -> Token:
        """Make a credential useless, and return it. Raises `NotFound` if none in force has this id, `LogHalted`.

        Logged first, and once: that somebody's access ended unheard of is worse than an entry that is ahead. Where a
        crash comes between the two, `finish_revocations` does what the entry says. Waits while the queue is full.
        """
        self._acts.require_open()
        token = await asyncio.to_thread(self._tokens.require_in_force, token_id)
        await self._acts.own.log(
            revocation_id(token),
            principal.actor(),
            REVOKED,
            "allowed",
            {"token": token_id},
            purpose=PURPOSES[ActKind.GRANT],
        )
        self._acts.step("revocation logged")
        revoked = await asyncio.to_thread(self._tokens.revoke, token_id)
        self._acts.step("revoked")
        return revoked

    def finish_revocations(self) -> None:
        """Revoke what the log says was revoked, and a crash left in force. Blocks; for the start."""
        in_force = {revocation_id(token): token for token in self._tokens.all_in_force()}
        for logged in self._acts.own.may_be_there(list(in_force)):
            if self._acts.own.find(logged) is not None:
                self._tokens.revoke(in_force[logged].token_id)

    async def run(self, act: Act) -> Act:
        """Issue what the act says, if it is not issued yet, and log it; see `Executor`."""
        said = self._acts.payload(act)
        details = {name: value for name, value in said.items() if name not in {"digest", "by", "by_type"}}
        if "digest" not in said:  # the keyring that its payload was sealed under did not come back
            return await self._acts.conclude(act, {"issued": False}, "failed", ActState.REFUSED)
        try:
            await asyncio.to_thread(self._tokens.store, new_of(said), bytes.fromhex(said["digest"]), said["token"])
        except Conflict:  # another act was first: it will never be otherwise
            return await self._acts.conclude(act, details | {"issued": False}, "failed", ActState.REFUSED)
        self._acts.step("issued")
        return await self._acts.conclude(act, details)


def revocation_id(token: Token) -> bytes:
    """Return the id of the entry that says that a credential was revoked: the same whenever asked."""
    milliseconds = (token.created_at // 1000).to_bytes(6)
    return derived_id(b"revocation " + token.token_id.encode(), milliseconds)


def said_of(new: NewToken) -> Payload:
    """Return what the log says of a credential that is issued."""
    return {
        "credential": str(new.credential),
        "name": new.name,
        "roles": sorted(new.roles),
        "sources": sorted_names(new.scope.sources),
        "classes": sorted_names(new.scope.classes),
        "expires_at": new.expires_at,
        "until": None if new.expires_at is None else instant(new.expires_at),
    }


def new_of(said: Payload) -> NewToken:
    """Return the credential that `said_of` told of."""
    scope = RowScope(_frozen(said["sources"]), _frozen(said["classes"]))
    return NewToken(said["name"], roles_of(said["roles"]), scope, Credential(said["credential"]), said["expires_at"])


def _frozen(names: Any) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
