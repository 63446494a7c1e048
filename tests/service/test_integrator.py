"""Integration is idempotent, survives a stop at every point, and notices a database that was changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.fresh import fresh_database
from tests.merkle.oracle import mth
from tlog.errors import StorageFault, Unavailable
from tlog.formats.tile import TileRef, bundles_of, encode_bundle, parse_bundle, parse_tile, tiles_of
from tlog.merkle.hashing import EMPTY_ROOT, leaf_hash
from tlog.service.integrator import Integrator
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.log_store import LogStore
from tlog.storage.tile_store import TileStore


class Crash(Exception):
    """The process ends here."""


class Bench:
    """A log's store and tiles, and leaves to append."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = fresh_database(f"sqlite:///{folder}/log.db", "log")
        self.store = LogStore(self.database)
        self.store.create("example.com/log", EMPTY_ROOT)
        self.tiles = TileStore.in_folder(folder / "tiles")
        self.leaves: list[bytes] = []

    def append(self, count: int) -> None:
        new = [f"leaf {len(self.leaves) + i}".encode() for i in range(count)]
        AppendStore(self.database).append([SealedRequest([NewRow(leaf) for leaf in new], 0)])
        self.leaves += new

    def root(self, size: int) -> bytes:
        return mth([leaf_hash(leaf) for leaf in self.leaves[:size]])

    def require_whole(self, size: int) -> None:
        """Every tile and bundle of this size is there and says what the leaves say."""
        hashes = [leaf_hash(leaf) for leaf in self.leaves[:size]]
        for ref in tiles_of(size):
            span = 256 ** (ref.level or 0)
            want = [mth(hashes[(ref.index * 256 + i) * span :][:span]) for i in range(ref.width)]
            assert parse_tile(self.tiles.get(ref), ref.width) == want
        for ref in bundles_of(size):
            assert parse_bundle(self.tiles.get(ref), ref.width) == self.leaves[ref.index * 256 :][: ref.width]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.database.close()


def test_an_empty_log_has_the_empty_root(bench: Bench) -> None:
    state = Integrator(bench.store, bench.tiles).integrate()
    assert (state.integrated_size, state.integrated_root) == (0, EMPTY_ROOT)


@pytest.mark.parametrize("steps", [[1], [256], [255, 1, 1], [300, 212, 700], [1, 2, 3, 65536, 5]])
def test_every_size_has_its_tiles_bundles_and_root(steps: list[int], bench: Bench) -> None:
    integrator = Integrator(bench.store, bench.tiles)
    for step in steps:
        bench.append(step)
        state = integrator.integrate()
        assert state.integrated_size == len(bench.leaves)
        assert state.integrated_root == bench.root(len(bench.leaves))
        bench.require_whole(len(bench.leaves))


def test_a_restart_goes_on_where_it_stopped(bench: Bench) -> None:
    for step in (3, 250, 10, 600):
        bench.append(step)
        assert Integrator(bench.store, bench.tiles).integrate().integrated_root == bench.root(len(bench.leaves))
    bench.require_whole(len(bench.leaves))


class CrashingTiles(TileStore):
    """Ends the process after `left` more objects."""

    left = 0

    def put_many(self, objects: Iterable[tuple[TileRef, bytes]]) -> None:
        for item in objects:
            if self.left == 0:
                raise Crash
            self.left -= 1
            super().put_many([item])


@pytest.mark.parametrize("after", range(8))
def test_a_crash_between_any_two_objects_is_repaired_by_the_next_run(after: int, bench: Bench) -> None:
    bench.append(200)
    Integrator(bench.store, bench.tiles).integrate()
    bench.append(400)
    crashing = CrashingTiles.in_folder(bench.folder / "tiles")
    integrator = Integrator(bench.store, crashing)
    assert isinstance(crashing, CrashingTiles)
    crashing.left = after
    try:
        integrator.integrate()
    except Crash:
        assert bench.store.state().integrated_size == 200
    bench.require_whole(200)
    crashing.left = 100
    assert integrator.integrate().integrated_root == bench.root(600)
    assert Integrator(bench.store, bench.tiles).integrate().integrated_root == bench.root(600)
    bench.require_whole(600)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001", "tile/entries/001"])
@pytest.mark.parametrize("damage", ["unlink", "truncate"])
def test_a_lost_or_cut_object_anywhere_is_made_anew_at_the_next_start(path: str, damage: str, bench: Bench) -> None:
    bench.append(700)
    Integrator(bench.store, bench.tiles).integrate()
    file = bench.folder / "tiles" / path
    file.unlink()
    if damage == "truncate" and "entries" not in path:
        file.write_bytes(b"cut")
    Integrator(bench.store, bench.tiles)
    bench.require_whole(700)


def test_a_run_that_failed_half_way_is_forgotten_even_if_reading_back_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.append(100)
    integrator = Integrator(bench.store, bench.tiles)
    integrator.integrate()
    bench.append(500)

    def fails(*_: object) -> None:
        raise Unavailable("too many open files")

    monkeypatch.setattr(bench.tiles, "put_many", fails)
    monkeypatch.setattr(bench.tiles, "get", fails)
    for _ in range(3):
        with pytest.raises(Unavailable):
            integrator.integrate()
    monkeypatch.undo()
    assert integrator.integrate().integrated_root == bench.root(600)
    bench.require_whole(600)


def test_lost_tiles_are_made_anew_from_the_database(bench: Bench) -> None:
    bench.append(700)
    Integrator(bench.store, bench.tiles).integrate()
    shutil.rmtree(bench.folder / "tiles")
    Integrator(bench.store, TileStore.in_folder(bench.folder / "tiles"))
    bench.require_whole(700)


@pytest.mark.parametrize("path", ["tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188"])
def test_a_damaged_or_missing_edge_is_made_anew(path: str, bench: Bench) -> None:
    bench.append(700)
    Integrator(bench.store, bench.tiles).integrate()
    file = bench.folder / "tiles" / path
    if "entries" in path:
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[0] ^= 1
        file.write_bytes(data)
    Integrator(bench.store, bench.tiles)
    bench.require_whole(700)


@pytest.mark.parametrize("forged", ["x'00'", "'a text'"])
@pytest.mark.parametrize("index", [0, 699])
def test_a_changed_database_is_not_published_from(index: int, forged: str, bench: Bench) -> None:
    bench.append(700)
    Integrator(bench.store, bench.tiles).integrate()
    shutil.rmtree(bench.folder / "tiles/tile/0/002.p")
    with bench.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE entries SET leaf = {forged} WHERE log_index = ?", (index,))  # noqa: S608
    with pytest.raises(StorageFault, match="database was changed"):
        Integrator(bench.store, bench.tiles)


def test_partial_tiles_go_once_their_full_tile_is_published(bench: Bench) -> None:
    integrator = Integrator(bench.store, bench.tiles)
    for _ in range(6):
        bench.append(50)
        integrator.integrate()
    widths = [50, 100, 150, 200, 250]
    assert bench.tiles.partial_widths(TileRef(0, 0)) == widths
    integrator.collect(250)
    assert bench.tiles.partial_widths(TileRef(0, 0)) == widths
    integrator.collect(300)
    assert bench.tiles.partial_widths(TileRef(0, 0)) == []
    assert bench.tiles.partial_widths(TileRef(None, 0)) == []
    bench.require_whole(300)


def test_partial_tiles_of_a_former_run_are_collected_too(bench: Bench) -> None:
    for _ in range(6):
        bench.append(50)
        Integrator(bench.store, bench.tiles).integrate()
    Integrator(bench.store, bench.tiles).collect(300)
    assert bench.tiles.partial_widths(TileRef(0, 0)) == []
    bench.require_whole(300)


def test_a_bundle_can_hold_the_largest_leaves(bench: Bench) -> None:
    leaves = [bytes([i]) * 65535 for i in range(3)]
    AppendStore(bench.database).append([SealedRequest([NewRow(leaf) for leaf in leaves], 0)])
    Integrator(bench.store, bench.tiles).integrate()
    assert bench.tiles.get(TileRef(None, 0, 3)) == encode_bundle(leaves)
