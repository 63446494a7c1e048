"""Tiles in a folder: whole, durable, and an error of ours when anything is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tlog.errors import NotFound, StorageFault
from tlog.formats.tile import TileRef
from tlog.storage.tile_store import TileStore

TILE = TileRef(0, 1234067, 5)


@pytest.fixture
def tiles(tmp_path: Path) -> TileStore:
    return TileStore.in_folder(tmp_path / "tiles")


def test_what_was_put_is_there_under_its_tlog_tiles_path(tmp_path: Path, tiles: TileStore) -> None:
    tiles.put_many([(TILE, b"a" * 160), (TileRef(None, 0), b"bundle")])
    assert (tmp_path / "tiles/tile/0/x001/x234/067.p/5").read_bytes() == b"a" * 160
    assert tiles.get(TILE) == b"a" * 160
    assert tiles.get(TileRef(None, 0)) == b"bundle"


def test_a_missing_object_is_not_found(tiles: TileStore) -> None:
    with pytest.raises(NotFound):
        tiles.get(TILE)


def test_every_file_and_every_folder_above_it_is_synced(
    tmp_path: Path, tiles: TileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    tiles.put_many([(TILE, b"a" * 160)])
    root = tmp_path / "tiles"
    names = ["tile/0/x001/x234/067.p/5", "tile/0/x001/x234/067.p", "tile/0/x001/x234", "tile/0/x001", "tile/0", "tile"]
    assert synced == [*(str(root / name) for name in names), str(root)]


def test_a_failed_sync_is_an_error(tiles: TileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageFault, match="can't be written"):
        tiles.put_many([(TILE, b"a" * 160)])


def test_partial_tiles_are_listed_and_removed(tiles: TileStore) -> None:
    refs = [TileRef(0, 0, width) for width in (3, 200, 17)]
    tiles.put_many((ref, b"x") for ref in [*refs, TileRef(0, 0)])
    assert tiles.partial_widths(TileRef(0, 0)) == [3, 17, 200]
    tiles.delete(refs[:2])
    assert tiles.partial_widths(TileRef(0, 0)) == [17]
    tiles.delete(refs)
    assert tiles.get(TileRef(0, 0)) == b"x"
