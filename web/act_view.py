"""An act as the pages show it: what it does in words, and whether who looks may decide on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tlog.client.act_words import STATES, act_details, act_in_words
from tlog.http.answers.acts import ActAnswer
from tlog.service.acts import decider_of
from tlog.service.principal import Principal
from tlog.storage.act_store import ActKind
from web.health import Health

Deciding = Literal["yes", "asked", "no", "over"]
"""Whether somebody may decide: yes; no, they asked for it; no, they have not the right; nobody any more."""
HEALTH: Final[Mapping[str, Health]] = {
    "done": "good",
    "applied": "good",
    "begun": "warning",
    "pending": "warning",
    "refused": "bad",
}


@dataclass(frozen=True, slots=True)
class ActView:
    """An act, what it does, what is told of it as (label, text), what its state means, and who may decide."""

    act: ActAnswer
    what: str
    details: tuple[tuple[str, str], ...]
    means: str
    health: Health
    deciding: Deciding


def act_view(act: ActAnswer, viewer: Principal) -> ActView:
    """Return an act as this viewer is shown it."""
    details = tuple(act_details(act.kind, act.said))
    means, health = STATES[act.state], HEALTH.get(act.state, "unknown")
    return ActView(act, act_in_words(act.kind, act.said), details, means, health, _deciding(act, viewer))


def _deciding(act: ActAnswer, viewer: Principal) -> Deciding:
    if act.state != "pending":
        return "over"
    if not viewer.may(decider_of(ActKind(act.kind))):
        return "no"
    return "asked" if act.said is not None and act.said.get("by") == viewer.name else "yes"
