"""Tiles and entry bundles as objects, by their C2SP tlog-tiles path. Durable on return.

Objects are immutable: the same path is only ever written again with the same bytes (after a crash).
obstore's local store renames a file into place but never syncs it, so what was written is synced here,
file first, then every folder that may be new; a checkpoint that needs a tile is signed only afterwards.
A failed fsync is fatal: the kernel may have dropped the pages it could not write.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from tlog.errors import NotFound, StorageFault, Unavailable
from tlog.formats.tile import TileRef
from tlog.storage.durable import sync_file, sync_folder


class TileStore:
    """Tiles in an object store. Methods block: call them off the event loop."""

    def __init__(self, store: ObjectStore, local_root: Path | None = None) -> None:
        """`local_root` is the folder of a `LocalStore`, whose writes must be synced."""
        self._store = store
        self._root = local_root

    @classmethod
    def in_folder(cls, folder: Path) -> TileStore:
        """Open the tiles under `folder`, made where missing."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(prefix=str(folder)), folder.resolve())

    def put_many(self, objects: Iterable[tuple[TileRef, bytes]]) -> None:
        """Write every object; all of them are durable on return. Raises `StorageFault`."""
        written: list[str] = []
        try:
            for ref, data in objects:
                obstore.put(self._store, ref.path(), data, use_multipart=False)
                written.append(ref.path())
            if self._root is not None:
                _sync(self._root, written)
        except (BaseError, OSError) as error:
            raise StorageFault(f"tiles can't be written: {type(error).__name__}") from error

    def get(self, ref: TileRef) -> bytes:
        """Return the bytes of one object. Raises `NotFound`, or `Unavailable` where it can't be read now."""
        try:
            return bytes(obstore.get(self._store, ref.path()).bytes())
        except FileNotFoundError:
            raise NotFound(f"there is no {ref.path()}") from None
        except (BaseError, OSError) as error:
            raise Unavailable(f"{ref.path()} can't be read now: {type(error).__name__}") from error

    def sizes(self) -> dict[str, int]:
        """Return every object's size in bytes by its path. Raises `Unavailable`."""
        try:
            return {item["path"]: item["size"] for page in obstore.list(self._store, "tile/") for item in page}
        except (BaseError, OSError) as error:
            raise Unavailable(f"the tiles can't be listed now: {type(error).__name__}") from error

    def partial_widths(self, ref: TileRef) -> list[int]:
        """Return the widths of the stored partial tiles of one tile."""
        prefix = TileRef(ref.level, ref.index).path() + ".p/"
        found = obstore.list(self._store, prefix).collect()
        return sorted(int(item["path"].rsplit("/", 1)[1]) for item in found)

    def delete(self, refs: Iterable[TileRef]) -> None:
        """Remove partial tiles that nobody needs any more. Losing this to a crash only wastes space."""
        paths = [ref.path() for ref in refs]
        try:
            for path in paths:
                obstore.delete(self._store, path)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise StorageFault(f"partial tiles can't be removed: {type(error).__name__}") from error


def _sync(root: Path, paths: list[str]) -> None:
    folders: set[Path] = set()
    for path in paths:
        sync_file(root / path)
        folders.update(folder for folder in (root / path).parents if folder == root or root in folder.parents)
    for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
        sync_folder(folder)
