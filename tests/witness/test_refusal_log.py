"""Lines about refusals: the first at once, then one a minute, whatever strangers send."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tlog.errors import MalformedRequest, NoTrustedSignature, OriginUnknown, TlogError
from tlog.formats.add_checkpoint import origin_hash
from witness.refusal_log import MAX_ORIGIN_CHARS, MAX_ORIGINS, MAX_REASON_CHARS, RefusalLog

UNKNOWN, UNTRUSTED = OriginUnknown("unknown"), NoTrustedSignature("another key")


class Scene:
    """A refusal log whose clock the test holds, and the lines it wrote."""

    def __init__(self, lines: list[MutableMapping[str, Any]]) -> None:
        self.now = 1000.0
        self.lines = lines
        self.log = RefusalLog(lambda: self.now)

    def refuse(self, origin: str, status: int = 403, refusal: TlogError = UNTRUSTED) -> None:
        self.log.report(f"old 0\n\n{origin}\n5\nroot\n\n— x".encode(), status, refusal)

    def told(self) -> list[tuple[str, int, int]]:
        return [(line["origin"], line["status"], line["requests"]) for line in self.lines]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with capture_logs() as lines:
        yield Scene(lines)


def test_first_at_once_then_one_a_minute_with_a_count(scene: Scene) -> None:
    scene.refuse("other")
    scene.now += 30  # so that no sweep falls together with what follows
    for _ in range(5):
        scene.refuse("a")
    scene.refuse("a", 409)
    assert scene.told() == [("other", 403, 1), ("a", 403, 1), ("a", 409, 1)]
    scene.now += 59
    scene.refuse("a")
    assert len(scene.lines) == 3
    scene.now += 1
    scene.refuse("a")
    assert scene.told()[3:] == [("a", 403, 6)]
    scene.refuse("a")
    assert len(scene.lines) == 4


def test_what_a_silent_log_left_untold_is_told_later(scene: Scene) -> None:
    scene.refuse("a")
    scene.refuse("a")
    scene.now += 60
    scene.refuse("b")
    assert scene.told() == [("a", 403, 1), ("a", 403, 1), ("b", 403, 1)]


def test_what_is_held_back_is_told_at_the_end(scene: Scene) -> None:
    for _ in range(3):
        scene.refuse("a")
    scene.log.flush()
    scene.log.flush()
    assert scene.told() == [("a", 403, 1), ("a", 403, 2)]


def test_a_flood_of_origins_fills_neither_memory_nor_disk_and_hides_no_known_log(scene: Scene) -> None:
    for number in range(10 * MAX_ORIGINS):
        scene.refuse(f"stranger {number}", 404, UNKNOWN)
        scene.now += 0.01
    assert len(scene.lines) == MAX_ORIGINS + 1
    assert scene.lines[-1]["and_other_origins"] is True
    scene.refuse("known")
    assert scene.told()[-1] == ("known", 403, 1)
    assert len(scene.log._windows) <= MAX_ORIGINS + 2
    for _ in range(3):
        scene.now += 60
        scene.refuse("known")
    assert len(scene.log._windows) == 1  # those who fell silent are forgotten
    scene.refuse("stranger", 404, UNKNOWN)
    assert "and_other_origins" not in scene.lines[-1]


def test_long_origins_are_not_kept_whole(scene: Scene) -> None:
    scene.refuse("x" * 200_000, 404, UNKNOWN)
    scene.refuse("y", 404, UNKNOWN)
    assert scene.lines[0]["origin_hash"] == origin_hash("x" * 200_000)
    assert max(len(origin or b"") for _, origin in scene.log._windows) <= 255


def test_an_origin_cannot_drive_the_terminal_nor_fill_the_line(scene: Scene) -> None:
    scene.refuse("\x1b[2J\u202eevil" + "x" * 9999, 404, UNKNOWN)
    assert scene.lines[0]["origin"].startswith("\\x1b[2J\\u202eevilxxx")
    assert len(scene.lines[0]["origin"]) < MAX_ORIGIN_CHARS + 20
    scene.refuse("a", 400, MalformedRequest("y\n" * 9999))
    assert len(scene.lines[1]["reason"]) < 2 * MAX_REASON_CHARS
    assert "\n" not in scene.lines[1]["reason"]


@given(st.lists(st.binary() | st.binary().map(lambda tail: b"old 0\n\n" + tail)))
def test_any_bytes_are_one_printable_line(bodies: list[bytes]) -> None:
    with capture_logs() as lines:
        log = RefusalLog(lambda: 0.0)
        for body in bodies:
            log.report(body, 400, MalformedRequest("bad"))
    assert all(line["origin"].isprintable() for line in lines)
