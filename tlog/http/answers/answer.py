"""What every JSON body is that the log answers with, and how it is sent.

Binary values are standard base64 with padding, times RFC 3339 in UTC with six decimals, indices from 0.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

Base64 = Annotated[
    str, Meta(description="standard base64 with padding", extra_json_schema={"contentEncoding": "base64"})
]
Hashes = Annotated[list[Base64], Meta(max_length=64)]
Time = Annotated[str, Meta(description="RFC 3339 in UTC", extra_json_schema={"format": "date-time"})]
Size = Annotated[int, Meta(ge=0)]

_encode = msgspec.json.Encoder().encode


class Answer(Struct, frozen=True, kw_only=True):
    """A JSON answer. Its text form names only the type: an entry's values are personal data."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def json_answer(answer: Answer, *, status: int = 200, cache: str = "no-store") -> web.Response:
    """Return an answer as application/json with this Cache-Control."""
    headers = {"Cache-Control": cache}
    return web.Response(status=status, body=_encode(answer), content_type="application/json", headers=headers)
