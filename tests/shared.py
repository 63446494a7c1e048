"""Where the public test vectors are, when they are there. What ships does not need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_dir() -> Path:
    """Return the folder of shared vectors beside the checkout; skip visibly without it, fail where all is required."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        require("the folder of shared test vectors is not beside this checkout")
    return path


def require(missing: str) -> None:
    """Skip because something is missing, or fail where every real part is required (TLOG_REQUIRE_ALL=1)."""
    if os.environ.get("TLOG_REQUIRE_ALL") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
