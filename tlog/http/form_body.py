"""Forms of pages: `application/x-www-form-urlencoded` (https://url.spec.whatwg.org/#application/x-www-form-urlencoded).

Only what the pages' own forms send is read: UTF-8, no uploads, at most `MAX_FORM_BYTES` and `MAX_FIELDS`, within
`FORM_SECONDS`. Everything else is refused before anything is done with it. A request's form is read once.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from tlog.errors import TooLarge
from tlog.http.errors import BadBody, BadParameter, BodyTimeout, UnsupportedMedia

MAX_FORM_BYTES: Final = 64 << 10
MAX_FIELDS: Final = 500
FORM_SECONDS: Final = 20
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"

Form = MultiDictProxy[str]
_FORM: Final = web.RequestKey("form", MultiDictProxy)


async def read_form(request: web.Request) -> Form:
    """Return the fields of a request's form; a request without a body has none.

    Raises `UnsupportedMedia` for another media type, charset or coding, `TooLarge`, `BodyTimeout`, `BadBody` for one
    that broke off, `BadParameter` for what is not UTF-8.
    """
    if _FORM not in request:
        if request.can_read_body:
            _require_media(request)
        request[_FORM] = MultiDictProxy(_fields(await _body(request)))
    form: Form = request[_FORM]
    return form


def _require_media(request: web.Request) -> None:
    if request.content_type != _MEDIA_TYPE or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedMedia(f"send this form as {_MEDIA_TYPE}, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("send this form without a Content-Encoding; it is not decompressed here")


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_FORM_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise BodyTimeout(f"this form did not arrive within {FORM_SECONDS} seconds") from None
    except (web.RequestPayloadError, ConnectionError):
        raise BadBody("this form broke off or is wrongly coded") from None
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(f"this form is over the limit of {MAX_FORM_BYTES} bytes; nothing was done")


def _fields(body: bytes) -> MultiDict[str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise BadParameter("this form is not UTF-8") from None
    except ValueError:
        raise TooLarge(f"this form has more than {MAX_FIELDS} fields; nothing was done") from None
    return MultiDict(pairs)
