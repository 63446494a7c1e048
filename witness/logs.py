"""Which logs a witness trusts: the operator's side. `witness.rules` is the side of requests."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, delete, insert, select, update

from tlog.errors import ConfigurationInvalid
from tlog.formats.add_checkpoint import origin_hash
from tlog.formats.checkpoint import open_checkpoint
from tlog.formats.cosignature import verifier_for
from tlog.formats.vkey import SignatureType, VKey
from tlog.merkle.hashing import EMPTY_ROOT
from witness import tables
from witness.errors import RootInvalid
from witness.keys import Identity
from witness.rules import FIRST_CONTACT, LogState
from witness.store import Store

LOG_KEY_TYPES = (SignatureType.ED25519, SignatureType.COSIGNATURE_ML_DSA_44)
MAX_ORIGIN_BYTES = 255
"""`log_origin<1..2^8-1>` (tlog-cosignature, "ML-DSA-44 signed message")."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the operator decides about a log."""

    origin: str
    keys: tuple[VKey, ...]
    requests_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class LogStatus:
    """One log as `status` shows it. `timestamp` in POSIX seconds, 0 where nothing was cosigned."""

    origin: str
    origin_hash: str
    vkeys: tuple[str, ...]
    state: LogState
    requests_per_day: int | None
    usage_day: int
    usage_requests: int


def check_settings(settings: LogSettings, witness: Identity) -> None:
    """Raise `ConfigurationInvalid` if these keys or this origin must not be trusted or cannot be cosigned."""
    if not settings.keys:
        raise ConfigurationInvalid("a log needs at least one key")
    if not 1 <= len(settings.origin.encode()) <= MAX_ORIGIN_BYTES or "\n" in settings.origin:
        raise ConfigurationInvalid(f"an origin is one line of 1 to {MAX_ORIGIN_BYTES} bytes")
    if settings.requests_per_day is not None and settings.requests_per_day < 1:
        raise ConfigurationInvalid("requests per day: at least 1")
    for key in settings.keys:
        _check_key(key, witness)
    if len({(key.name, key.key_id) for key in settings.keys}) != len(settings.keys):
        raise ConfigurationInvalid("one key is given twice")


def _check_key(key: VKey, witness: Identity) -> None:
    if key.type not in LOG_KEY_TYPES:
        raise ConfigurationInvalid(
            f"{key.name}: a log signs with Ed25519 (0x01) or ML-DSA-44 (0x06), not type {key.type:#04x}"
        )
    if key.public_key in {own.public_key for own in witness.vkeys}:
        raise ConfigurationInvalid(f"{key.name}: this is the witness's own key; it cannot vouch for a log")
    if key.name == witness.name:
        raise ConfigurationInvalid(f"{key.name}: the log's key has the witness's own name")


def pinned_state(settings: LogSettings, checkpoint: bytes | None) -> LogState:
    """Return the state of a log never cosigned: first contact, or a checkpoint got out of band.

    The checkpoint must carry a signature by one of the log's keys. Raises a `Malformed` or a
    `VerificationFailed`.
    """
    if checkpoint is None:
        return FIRST_CONTACT
    first, _ = open_checkpoint(checkpoint, settings.origin, [verifier_for(key) for key in settings.keys])
    if first.size == 0 and first.root != EMPTY_ROOT:
        raise RootInvalid("the checkpoint of size 0 does not have the root of the empty tree")
    return LogState(first.size, first.root, 0)


def add_log(store: Store, settings: LogSettings, state: LogState) -> None:
    """Trust a new log. Raises `ConfigurationInvalid` if its origin is known."""
    with store.writing() as connection:
        if connection.execute(_known(settings.origin)).first() is not None:
            raise ConfigurationInvalid(
                f"the log {settings.origin} is known already; --update changes its keys or limit"
            )
        connection.execute(
            insert(tables.log).values(
                origin=settings.origin,
                origin_hash=origin_hash(settings.origin),
                size=state.size,
                root=state.root,
                timestamp=state.timestamp,
                requests_per_day=settings.requests_per_day,
                usage_day=0,
                usage_requests=0,
            )
        )
        connection.execute(insert(tables.log_key), _key_rows(settings))


def update_log(store: Store, settings: LogSettings) -> None:
    """Replace a known log's keys and limit; its state stays. Raises `ConfigurationInvalid` if unknown."""
    with store.writing() as connection:
        if connection.execute(_known(settings.origin)).first() is None:
            raise ConfigurationInvalid(f"the log {settings.origin} is not known; add it without --update")
        connection.execute(
            update(tables.log)
            .where(tables.log.c.origin == settings.origin)
            .values(requests_per_day=settings.requests_per_day)
        )
        connection.execute(delete(tables.log_key).where(tables.log_key.c.origin == settings.origin))
        connection.execute(insert(tables.log_key), _key_rows(settings))


def list_logs(store: Store) -> list[LogStatus]:
    """Return every log, by origin."""
    with store.reading() as connection:
        keys: dict[str, list[str]] = {}
        for origin, vkey in connection.execute(select(tables.log_key).order_by(tables.log_key.c.vkey)):
            keys.setdefault(origin, []).append(vkey)
        rows = connection.execute(select(tables.log).order_by(tables.log.c.origin)).all()
    return [
        LogStatus(
            row.origin,
            row.origin_hash,
            tuple(keys.get(row.origin, ())),
            LogState(row.size, row.root, row.timestamp),
            row.requests_per_day,
            row.usage_day,
            row.usage_requests,
        )
        for row in rows
    ]


def _known(origin: str) -> Select[tuple[str]]:
    return select(tables.log.c.origin).where(tables.log.c.origin == origin)


def _key_rows(settings: LogSettings) -> list[dict[str, str]]:
    return [{"origin": settings.origin, "vkey": key.encode()} for key in settings.keys]
