"""One real witness in a temporary folder, its clock in the test's hand, and a log it trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.witness.log_simulator import LogSimulator
from tlog.formats.cosignature import verifier_for
from tlog.formats.note import Signature, parse_note, parse_signature_lines
from witness.directory import create_directory, load_cosigner, open_store
from witness.keys import Cosigner
from witness.logs import LogSettings, add_log, check_settings, pinned_state
from witness.rules import LogState
from witness.store import Store
from witness.witness import Witness

NOW = 1_800_000_000
NAME = "witness.example/w1"


class Bench:
    """A witness made of its real parts. `now` is its clock; `before_commit` runs between check and commit."""

    def __init__(self, directory: Path) -> None:
        create_directory(directory, NAME)
        self.directory = directory
        self.cosigner: Cosigner = load_cosigner(directory)
        self.now = NOW
        self.before_commit: Callable[[], None] = lambda: None
        self.pool = ThreadPoolExecutor(2)
        self.store: Store = open_store(directory)
        self.witness = Witness(self.store, self.cosigner, lambda: self.now, self.pool, self._hook)

    def rival(self) -> Witness:
        """A witness over the same store, keys and clock, without the hook: as another thread or process is."""
        return Witness(self.store, self.cosigner, lambda: self.now)

    def _hook(self) -> None:
        self.before_commit()

    def trust(
        self, log: LogSimulator, *, keys: str = "both", limit: int | None = None, first: bytes | None = None
    ) -> None:
        ed25519, ml_dsa_44 = log.ed25519.vkey, log.ml_dsa_44.vkey
        chosen = {"ed25519": (ed25519,), "ml-dsa-44": (ml_dsa_44,), "both": (ed25519, ml_dsa_44)}[keys]
        settings = LogSettings(log.origin, chosen, limit)
        check_settings(settings, self.cosigner.identity)
        add_log(self.store, settings, pinned_state(settings, first))

    def state(self, log: LogSimulator) -> LogState:
        return self.store.snapshot([log.origin]).records[log.origin].state

    def submit(self, request: bytes) -> tuple[Signature, ...]:
        return parse_signature_lines(self.witness.add_checkpoint(request))

    def verify(self, text: str, signatures: tuple[Signature, ...]) -> None:
        """Both cosignatures are there, and good."""
        verify_cosigned(self.cosigner, text, signatures)

    def close(self) -> None:
        self.store.close()
        self.pool.shutdown()


def verify_cosigned(cosigner: Cosigner, text: str, signatures: tuple[Signature, ...]) -> None:
    vkeys = cosigner.identity.vkeys
    assert [s.key_id for s in signatures] == [vkey.key_id for vkey in vkeys]
    for vkey, signature in zip(vkeys, signatures, strict=True):
        verifier_for(vkey).verify(text, signature.value)


def text_of(request: bytes) -> str:
    return parse_note(request.split(b"\n\n", 1)[1]).text


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "w")
    yield bench
    bench.close()


@pytest.fixture
def log(bench: Bench) -> LogSimulator:
    log = LogSimulator.make()
    bench.trust(log)
    return log
