"""The second person: who may approve what another one asked for. Pure."""

from __future__ import annotations

from tlog.errors import Forbidden
from tlog.service.principal import Principal


def require_second(asked_token: str | None, asked_name: str | None, approver: Principal) -> None:
    """Raise `Forbidden` where the approver is whoever asked: the same token, or another one of the same name.

    A person who holds two tokens under two names can't be told from two persons: whoever issues tokens sees to that.
    """
    if approver.id == asked_token or approver.name == asked_name:
        raise Forbidden("a second person must approve this: whoever asked for it can't")
