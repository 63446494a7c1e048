"""Which URLs an identity provider may have: https, except on this machine (OpenID Connect Discovery 1.0 section 3)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from tlog.errors import TlogError

MAX_URL_LENGTH = 2048
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def check_endpoint(url: str, what: str, refusal: type[TlogError]) -> None:
    """Raise `refusal` unless `url` is https (http on loopback) without credentials or fragment. `what` names it."""
    if len(url) > MAX_URL_LENGTH or not _PRINTABLE.fullmatch(url):
        raise refusal(f"{what}: not a URL of at most {MAX_URL_LENGTH} printable ASCII characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refusal(f"{what}: not a URL") from None
    if not host or parts.username is not None or parts.fragment or "\\" in url:
        raise refusal(f"{what}: needs a host, and takes no user name and no fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise refusal(f"{what}: must be https; plain http is taken on loopback only")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
