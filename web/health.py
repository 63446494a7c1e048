"""How well something is: each has a colour, a shape and always a word beside it."""

from __future__ import annotations

from typing import Literal

Health = Literal["good", "warning", "bad", "unknown"]
