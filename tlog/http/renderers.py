"""How answers are made readable for people. The pages are above this layer: whoever builds the app passes them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tlog.audit.evidence import Evidence
from tlog.audit.subject_access import SubjectAccess


@dataclass(frozen=True, slots=True)
class Renderers:
    """Functions that return the bytes of an HTML file; None: this server makes none of these."""

    evidence: Callable[[Evidence], bytes] | None = None
    subject_access: Callable[[SubjectAccess], bytes] | None = None
