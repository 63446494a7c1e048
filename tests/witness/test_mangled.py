"""Any mangled valid request is refused with a 4xx status, and the state stays as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.witness.conftest import Bench
from tests.witness.log_simulator import LogSimulator
from tlog.errors import TlogError
from witness.http import status_of

OLD, NEW = 5, 21


class Target:
    """A witness at size 5 of two logs, one per key type, and a valid request to 21 for each.

    One signature each: of two, one may be spoilt so that it is a stranger's line, and the other still counts.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.logs = [LogSimulator.make("log.example/ed25519"), LogSimulator.make("log.example/ml-dsa-44")]
        self.requests = []
        for log, keys in zip(self.logs, ["ed25519", "ml-dsa-44"], strict=True):
            bench.trust(log, keys=keys)
            bench.submit(log.request(0, OLD, keys=keys))
            self.requests.append(log.request(OLD, NEW, keys=keys))

    def assert_refused(self, index: int, mangled: bytes) -> None:
        with pytest.raises(TlogError) as refusal:
            self.bench.submit(mangled)
        assert 400 <= status_of(refusal.value) < 500, repr(refusal.value)
        assert self.bench.state(self.logs[index]).size == OLD


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    bench = Bench(tmp_path_factory.mktemp("mangled") / "w")
    yield Target(bench)
    bench.close()


def mangle(request: bytes, draw: st.DataObject) -> bytes:
    """Flip, delete, insert, cut off or repeat a piece."""
    place = draw.draw(st.integers(0, len(request) - 1), "place")
    length = draw.draw(st.integers(1, 40), "length")
    piece = draw.draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\n", b" ", b"=", b"0", b"\r\n"]), "piece")
    return draw.draw(
        st.sampled_from(
            [
                request[:place] + bytes([request[place] ^ (1 << (length % 8))]) + request[place + 1 :],
                request[:place] + request[place + length :],
                request[:place] + piece + request[place:],
                request[:place],
                request[: place + length] + request[place:],
                request[:place] + piece + request[place + len(piece) :],
            ]
        ),
        "mangled",
    )


@settings(max_examples=400, deadline=None)
@given(draw=st.data(), index=st.integers(0, 1))
def test_mangled_request_is_refused(target: Target, draw: st.DataObject, index: int) -> None:
    mangled = mangle(target.requests[index], draw)
    if mangled != target.requests[index]:
        target.assert_refused(index, mangled)


def test_every_byte_flipped(target: Target) -> None:
    """Exhaustive over the Ed25519 request: one bit of every byte."""
    request = target.requests[0]
    for place in range(len(request)):
        target.assert_refused(0, request[:place] + bytes([request[place] ^ 1]) + request[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused(target: Target, noise: bytes) -> None:
    target.assert_refused(0, noise)
    target.assert_refused(0, b"old 5\n\n" + noise)


def test_unmangled_requests_are_good(target: Target) -> None:
    """Last, because it moves the state: what was mangled above would have been accepted."""
    for log, request in zip(target.logs, target.requests, strict=True):
        target.bench.verify(log.text(NEW), target.bench.submit(request))
