"""The log's signing keys in their files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tlog.errors import ConfigurationInvalid, MalformedKey
from tlog.formats.cosignature import MlDsa44CosignatureVerifier
from tlog.formats.ed25519 import Ed25519Verifier
from tlog.keys.secret_file import create_secret_file
from tlog.keys.signing import ED25519_FILE, ML_DSA_44_FILE, create_signing_keys, load_signing_keys

NAME = "log.example/clinic"
TEXT = f"{NAME}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def test_what_is_created_is_loaded_and_signs_the_same(tmp_path: Path) -> None:
    made = create_signing_keys(tmp_path, NAME)
    loaded = load_signing_keys(tmp_path, NAME)
    assert loaded.ed25519.vkey == made.ed25519.vkey
    assert loaded.ml_dsa_44.vkey == made.ml_dsa_44.vkey
    Ed25519Verifier(made.ed25519.vkey).verify(TEXT, loaded.ed25519.sign(TEXT).value)
    MlDsa44CosignatureVerifier(made.ml_dsa_44.vkey).verify(TEXT, loaded.ml_dsa_44.cosign(TEXT, 1).value)
    for name in (ED25519_FILE, ML_DSA_44_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert (tmp_path / name).read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_existing_keys_are_never_replaced(tmp_path: Path) -> None:
    create_signing_keys(tmp_path, NAME)
    before = [(tmp_path / name).read_bytes() for name in (ED25519_FILE, ML_DSA_44_FILE)]
    with pytest.raises(ConfigurationInvalid, match="not overwritten"):
        create_signing_keys(tmp_path, NAME)
    assert before == [(tmp_path / name).read_bytes() for name in (ED25519_FILE, ML_DSA_44_FILE)]


def test_one_existing_key_leaves_no_half_made_pair(tmp_path: Path) -> None:
    create_secret_file(tmp_path / ML_DSA_44_FILE, b"x")
    with pytest.raises(ConfigurationInvalid, match="not overwritten"):
        create_signing_keys(tmp_path, NAME)
    assert not (tmp_path / ED25519_FILE).exists()


def test_a_bad_name_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(MalformedKey):
        create_signing_keys(tmp_path, "two words")
    assert list(tmp_path.iterdir()) == []


def test_swapped_broken_missing_and_open_files_are_refused(tmp_path: Path) -> None:
    create_signing_keys(tmp_path, NAME)
    ed25519, ml_dsa_44 = tmp_path / ED25519_FILE, tmp_path / ML_DSA_44_FILE
    first, second = ed25519.read_bytes(), ml_dsa_44.read_bytes()
    for path, content, expected in (
        (ed25519, second, "holds no Ed25519 key"),
        (ml_dsa_44, first, "holds no ML-DSA-44 key"),
        (ed25519, first[:-40], "not an unencrypted PKCS #8"),
        (ed25519, b"secret words", "not an unencrypted PKCS #8"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigurationInvalid, match=expected) as refusal:
            load_signing_keys(tmp_path, NAME)
        assert "secret words" not in str(refusal.value)
        ed25519.write_bytes(first)
        ml_dsa_44.write_bytes(second)
    ed25519.chmod(0o640)
    with pytest.raises(ConfigurationInvalid, match="chmod 600"):
        load_signing_keys(tmp_path, NAME)
    ed25519.unlink()
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        load_signing_keys(tmp_path, NAME)
