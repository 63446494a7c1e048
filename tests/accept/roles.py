"""Who may ask what: each role tries every operation of a served log, and the log says who tried."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.accept.promises import shows
from tests.http.examples import EXAMPLES, SETTINGS, Things
from tests.http.service import PATHS
from tests.http.who_may import DECIDED, EXPECTED, NO_OWN
from tests.interop.served_log import request
from tests.support import entry_document
from tests.town import SOURCE, Town, town
from tlog.cli.data_folder import open_log_database
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

METHODS = {said["operationId"]: method.upper() for path in PATHS.values() for method, said in path.items()}
REFUSED = (401, 403)


@shows("roles-are-exact")
def roles_are_exact(folder: Path) -> str:
    """Every role, and nobody, tries every operation: answered is what the table says, and all of it is logged."""
    with town(folder, 0, None, **SETTINGS) as place:
        document = entry_document()
        [entry] = place.append(json.dumps(document).encode(), "?wait=witnessed")
        things = Things(
            sender(place),
            str(entry["id"]),
            place.token,
            token(place, Role.DPO, "other-officer"),
            token(place, Role.ADMIN, "other-admin"),
            lambda: spare(place),
        )
        asyncio.run(things.hold())
        wrong = [name for role in Role for name in tried(place, things, role)]
        wrong += [f"nobody: {name}" for name in tried_by_nobody(place, things)]
        assert not wrong, wrong
        logged = own_entries(place)
        for role in Role:
            require_logged(role, logged)
        counted = Counter[str]()
        for found in logged:
            counted.update(found["details"]["operations"] if found["action"] == "tlog.access.refuse" else ())
        assert counted == dict.fromkeys(EXPECTED, 1), counted
    who = len(Role) + 1
    tries = f"{who * len(EXAMPLES)} attempts of {len(Role)} roles and nobody at {len(EXAMPLES)} operations"
    return f"{tries}; all {who * len(EXPECTED)} that need a role are in the log"


def tried(place: Town, things: Things, role: Role) -> Iterator[str]:
    """Try every operation and yield those whose answer is not what is expected."""
    mine = place.token if role is Role.WRITER else token(place, role, f"a-{role}")
    for name, example in EXAMPLES.items():
        path = asyncio.run(things.path(example, role))
        status, _ = send(place, name, path, mine)
        expected = EXPECTED.get(name)
        allowed = expected is None or role in expected.roles.split()
        if expected is not None and allowed and status != example.status:
            yield f"{role}: {name} was answered {status}"
        if allowed is (status in REFUSED):
            yield f"{role}: {name} was answered {status}"


def tried_by_nobody(place: Town, things: Things) -> list[str]:
    """Try every operation without a token, those that are refused at once: the log counts them together."""
    paths = {name: asyncio.run(things.path(example, "dpo")) for name, example in EXAMPLES.items()}
    with ThreadPoolExecutor(len(paths)) as pool:
        answers = dict(zip(paths, pool.map(lambda name: send(place, name, paths[name], None)[0], paths), strict=True))
    return [name for name, status in answers.items() if (status in REFUSED) is not (name in EXPECTED)]


def require_logged(role: Role, logged: list[dict[str, Any]]) -> None:
    """There is one own entry of each attempt, and it says what became of it; of a decision and of its act one each."""
    name = SOURCE if role is Role.WRITER else f"a-{role}"
    mine = [entry for entry in logged if name in (entry["actor"]["id"], entry["details"].get("approved_by"))]
    denied = {entry["details"]["operation"] for entry in mine if entry["details"].get("status") == 403}
    assert denied == {name for name, may in EXPECTED.items() if role not in may.roles.split()}, role
    appended = NO_OWN if role is Role.WRITER else set()
    decided = sum(role in EXPECTED[name].roles.split() for name in DECIDED)
    assert len(mine) == len(EXPECTED) - len(appended) + decided, (role, len(mine))


def own_entries(place: Town) -> list[dict[str, Any]]:
    """Everything that the log says of itself, as an auditor finds it."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, answer = place.get(f"/v1/entries?source=tlog&limit=500{cursor}", place.auditor)
        assert status == 200, answer
        page = json.loads(answer)
        found += [each["entry"] for each in page["entries"]]
        if page["next"] is None:
            return found
        cursor = f"&cursor={quote(page['next'])}"


def send(place: Town, operation: str, path: str, bearer: str | None) -> tuple[int, bytes]:
    example = EXAMPLES[operation]
    headers = {"Content-Type": example.kind} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    return request(METHODS[operation], place.log.url + path, example.data(), headers)


def sender(place: Town) -> Any:
    async def ask(method: str, path: str, data: bytes | None, bearer: str | None, kind: str) -> tuple[int, bytes]:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {bearer}"}
        return await asyncio.to_thread(request, method, place.log.url + path, data, headers)

    return ask


def token(place: Town, role: Role, name: str) -> str:
    """Issue a token beside the running log and return its text."""
    with open_log_database(place.log_folder) as database:
        return TokenStore(database, now_us).issue(token_for(role, name))[1]


def spare(place: Town) -> str:
    """Issue a token that nobody needs and return its id."""
    with open_log_database(place.log_folder) as database:
        return TokenStore(database, now_us).issue(token_for(Role.READER, "spare"))[0].token_id
