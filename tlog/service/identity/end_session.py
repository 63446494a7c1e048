"""Logging out at the provider: OpenID Connect RP-Initiated Logout 1.0.

    browser → log        POST /ui/logout; the session here ends, whatever comes after
    log → browser        on to the provider's `end_session_endpoint`, where it has one
    provider → browser   its own session ends, where the person agrees; back to `post_logout_redirect_uri`

The request names the client (`client_id`, section 2), not the person: an ID token as `id_token_hint` would put their
name and groups into an address, which histories and logs of proxies keep. So a provider may ask them first.
"""

from __future__ import annotations

from urllib.parse import urlencode


def end_session_url(endpoint: str, client_id: str, back: str) -> str:
    """Return where to send the browser (section 2); `back` is where the provider sends it afterwards (section 3)."""
    query = urlencode({"client_id": client_id, "post_logout_redirect_uri": back})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"
