"""Files that hold a secret: made once, readable by their owner only, refused otherwise.

A file is refused if it is a symbolic link or no regular file, belongs to another user than this process
runs as, or gives group or others any permission: then somebody else may already know the secret, or choose
it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tlog.errors import ConfigurationInvalid
from tlog.storage.durable import sync_folder

MAX_SECRET_BYTES = 65536


def create_secret_file(path: Path, secret: bytes) -> None:
    """Write a new file with permissions 0600; it and its folder entry are on disk on return.

    Raises ConfigurationInvalid where the file exists or cannot be written. A crash in between leaves an
    empty or short file, which is refused when it is read; nothing can have been protected by it yet, so it
    may be removed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise ConfigurationInvalid(f"{path} exists and is not overwritten; move it away to make a new key") from None
    except OSError as error:
        raise ConfigurationInvalid(f"{path} cannot be created: {error.strerror}") from None
    try:
        _write(descriptor, secret)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ConfigurationInvalid(f"{path} cannot be written: {error.strerror}") from None
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def read_secret_file(path: Path, length: int | None = None, limit: int = MAX_SECRET_BYTES) -> bytes:
    """Return the content of a secret file: exactly `length` bytes where given, and at most `limit`.

    Raises ConfigurationInvalid, which says how to mend it and never what the file holds.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigurationInvalid(_not_opened(path, error)) from None
    try:
        _check_owner_only(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            secret = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if length is not None and len(secret) != length:
        raise ConfigurationInvalid(f"{path} has {len(secret)} bytes instead of {length}; restore it from its backup")
    if not secret or len(secret) > limit:
        raise ConfigurationInvalid(f"{path} is empty or has more than {limit} bytes; restore it from its backup")
    return secret


def _write(descriptor: int, secret: bytes) -> None:
    os.fchmod(descriptor, 0o600)  # whatever the umask was
    with open(descriptor, "wb", closefd=False) as file:
        file.write(secret)
    os.fsync(descriptor)


def _not_opened(path: Path, error: OSError) -> str:
    if path.is_symlink():
        return f"{path} is a symbolic link; name the file itself"
    return f"{path} cannot be read: {error.strerror}"


def _check_owner_only(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationInvalid(f"{path} is not a regular file; name the key file")
    if found.st_uid != os.geteuid():
        raise ConfigurationInvalid(
            f"{path} belongs to user {found.st_uid}, but this process runs as {os.geteuid()}; run 'chown' on it"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigurationInvalid(
            f"{path} is open to others (mode {mode:04o}); run 'chmod 600' on it, or replace it if it was read"
        )
