"""A stand-in for AWS KMS that speaks its protocol over HTTP: moto's server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3

from tests.processes import free_port, spawn

REGION: Final = "eu-central-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1"}
"""Variables that boto3 wants; moto takes any."""


@contextmanager
def serving() -> Iterator[str]:
    """Run a server; yields its URL."""
    port = free_port()
    running = spawn([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
    try:
        running.wait_port("127.0.0.1", port, 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.close()


@contextmanager
def client(server: str) -> Iterator[Any]:
    """Open a client of KMS; the credentials are in the environment."""
    kms = boto3.client("kms", region_name=REGION, endpoint_url=server)
    try:
        yield kms
    finally:
        kms.close()


def new_key(server: str) -> str:
    """Make a key and return its id."""
    with client(server) as kms:
        return str(kms.create_key()["KeyMetadata"]["KeyId"])
