"""Key files: private or refused, never overwritten, bound to the public identity."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.witness.conftest import NAME
from tlog.errors import ConfigurationInvalid, TlogError
from tlog.formats.vkey import SignatureType
from witness.directory import VKEYS_FILE, create_directory, load_cosigner, read_identity
from witness.keys import ED25519_FILE, ML_DSA_44_FILE


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create_directory(tmp_path / "w", NAME)
    return tmp_path / "w"


def test_keys_are_private_and_their_vkeys_public(directory: Path) -> None:
    for file in (ED25519_FILE, ML_DSA_44_FILE):
        assert (directory / file).stat().st_mode & 0o777 == 0o600
    identity = read_identity(directory)
    assert identity == load_cosigner(directory).identity
    assert [vkey.name for vkey in identity.vkeys] == [NAME, NAME]
    types = [SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_ML_DSA_44]
    assert [vkey.type for vkey in identity.vkeys] == types


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_key_file_open_to_others_is_refused(directory: Path, file: str, mode: int) -> None:
    (directory / file).chmod(mode)
    with pytest.raises(ConfigurationInvalid, match="chmod 600"):
        load_cosigner(directory)


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE, VKEYS_FILE])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_unreadable_files_are_refused(directory: Path, file: str, content: bytes) -> None:
    (directory / file).write_bytes(content)
    with pytest.raises(ConfigurationInvalid):
        load_cosigner(directory)


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE, VKEYS_FILE])
def test_missing_files_are_refused(directory: Path, file: str) -> None:
    (directory / file).unlink()
    with pytest.raises(ConfigurationInvalid, match=file):
        load_cosigner(directory)


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE])
def test_key_of_another_kind_is_refused(directory: Path, file: str) -> None:
    key = generate_private_key(SECP256R1())
    (directory / file).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationInvalid, match="holds no"):
        load_cosigner(directory)


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE])
def test_key_of_another_witness_is_refused(directory: Path, tmp_path: Path, file: str) -> None:
    create_directory(tmp_path / "other", NAME)
    (directory / file).write_bytes((tmp_path / "other" / file).read_bytes())
    with pytest.raises(ConfigurationInvalid, match="do not belong"):
        load_cosigner(directory)


@pytest.mark.parametrize("file", [ED25519_FILE, ML_DSA_44_FILE, VKEYS_FILE, "witness.sqlite3"])
def test_no_witness_is_made_over_another(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(b"something")
    with pytest.raises(ConfigurationInvalid, match="already exists"):
        create_directory(tmp_path, NAME)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_bytes() == b"something"


@pytest.mark.parametrize("name", ["", "two words", "a+b", "x" * 256, "line\nbreak"])
def test_names_that_cannot_sign(tmp_path: Path, name: str) -> None:
    with pytest.raises(TlogError):
        create_directory(tmp_path / "w", name)
    assert not list((tmp_path / "w").glob("*.pem"))
