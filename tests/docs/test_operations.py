"""docs/operations.md: its settings, metrics and sums are those of the code."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.docs.pages import page
from tests.support import running_log
from tlog.cli.config import Databases, Listen, parse_config
from tlog.cli.oidc_table import OidcTable
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import Ed25519CosignatureSigner, MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.http.metrics import Metrics
from tlog.service.checkpoint_signer import CheckpointSigner
from tlog.service.settings import LogSettings

OPERATIONS = page("docs/operations.md")
TABLES: dict[str, Any] = {"listen": Listen(), "databases": Databases(), "settings": LogSettings()}


def test_the_settings_are_those_of_the_program() -> None:
    said = {
        (table.strip("`"), name.strip("`")): default.strip("`")
        for table, name, default, _ in (cells for cells in OPERATIONS.rows() if len(cells) == 4)
        if table.strip("`") in TABLES
    }
    there = {
        (table, item.name): "none" if (value := getattr(values, item.name)) is None else json.dumps(value)
        for table, values in TABLES.items()
        for item in fields(values)
    }
    assert said == there


def test_the_settings_of_the_identity_provider_are_those_of_the_program() -> None:
    said = {cells[1].strip("`"): cells[2].strip("`") for cells in OPERATIONS.rows() if cells[0] == "`oidc`"}
    there = {item.name: _shown(item.default) for item in fields(OidcTable) if item.name != "roles"}
    assert said == there


def _shown(default: Any) -> str:
    if default is MISSING:
        return ""
    return "none" if default is None else json.dumps(default)


def test_the_example_of_an_identity_provider_is_taken() -> None:
    example = next(block for block in OPERATIONS.text.split("```toml\n") if block.startswith("[listen]"))
    config = parse_config(f'origin = "log.example/audit"\n{example.partition("```")[0]}'.encode(), "tlog.toml")
    assert config.oidc is not None
    assert len(config.oidc.roles) == 4


async def test_every_metric_is_described(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        metrics = Metrics(made.log)
        text = metrics.text().decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE tlog_")}
    shown = {name for name in names if not name.endswith("_created")}
    assert len(shown) > 6
    for name in shown:
        assert f"`{name}" in OPERATIONS.text, name


def test_the_size_of_a_checkpoint_and_what_follows_from_it() -> None:
    text = Checkpoint("log.example/audit", 10**7, bytes(32)).text()
    ml_dsa = MLDSA44PrivateKey.generate()
    name = "log.example/audit"
    signer = CheckpointSigner(Ed25519Signer(name, Ed25519PrivateKey.generate()), MlDsa44CosignatureSigner(name, ml_dsa))
    note = signer.sign(10**7, bytes(32), 1_800_000_000)
    for number in range(3):
        witness = f"witness.example/w{number}"
        note = note.with_signatures(
            (
                Ed25519CosignatureSigner(witness, Ed25519PrivateKey.generate()).cosign(text, 1_800_000_000),
                MlDsa44CosignatureSigner(witness, MLDSA44PrivateKey.generate()).cosign(text, 1_800_000_000),
            )
        )
    size = len(note.encode())
    assert 13 * 1024 <= size < 14 * 1024
    rows = [cells for cells in OPERATIONS.rows() if len(cells) == 4 and cells[0][:1].isdigit()]
    assert len(rows) == 4
    for interval, a_day, disk_a_day, a_year in rows:
        count = 86_400 / float(interval.split()[0])
        assert int(a_day.replace(",", "")) == count
        for said, days in ((disk_a_day, 1), (a_year, 365)):
            gib = float(said.split()[0].replace(",", ""))
            assert abs(gib - count * days * size / 2**30) <= max(0.1 * gib, 0.06), (interval, said)
