"""Query and path parameters: what is not known, given twice or not of its form is refused, never ignored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from aiohttp import web

from tlog.formats.encoding import parse_decimal
from tlog.http.errors import BadParameter

_NOTHING: Mapping[str, str] = {}


def parse_query(request: web.Request, *names: str) -> Mapping[str, str]:
    """Return the query's parameters, all of them among `names`, each at most once. Raises `BadParameter`."""
    if not request.rel_url.raw_query_string:
        return _NOTHING
    query = request.query
    require_known(query, names, "query parameters")
    if len(set(query)) != len(query):
        raise BadParameter("a query parameter is given twice")
    return dict(query)


def require_known(given: Iterable[str], names: Collection[str], what: str) -> None:
    """Raise `BadParameter` unless all that is given is among `names`; it says how many are not, and quotes none."""
    unknown = sum(name not in names for name in given)
    if unknown:
        count = f"one of the {what} is" if unknown == 1 else f"{unknown} of the {what} are"
        raise BadParameter(f"{count} not known here; known: {', '.join(names) or 'none'}")


def decimal(
    query: Mapping[str, str], name: str, default: int | None = None, within: tuple[int, int] | None = None
) -> int:
    """Return a parameter as a decimal number, `default` where it may be left out. Raises `BadParameter`."""
    text = query.get(name)
    if text is None:
        if default is None:
            raise BadParameter(f"{name}: missing")
        return default
    value = parse_number(text, name)
    if within is not None and not within[0] <= value <= within[1]:
        raise BadParameter(f"{name}: from {within[0]} to {within[1]}")
    return value


def one_of(query: Mapping[str, str], name: str, choices: Collection[str], default: str) -> str:
    """Return a parameter that is one of `choices`. Raises `BadParameter`."""
    value = query.get(name, default)
    if value not in choices:
        raise BadParameter(f"{name}: one of {', '.join(choices)}")
    return value


def parse_number(text: str, name: str) -> int:
    """Return a decimal of 0 <= n < 2^63 without sign or leading zeros. Raises `BadParameter`, quoting nothing."""
    try:
        return parse_decimal(text, BadParameter, name)
    except BadParameter:
        raise BadParameter(f"{name}: not a decimal number below 2^63 without sign or leading zeros") from None
