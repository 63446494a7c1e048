"""What data subjects are promised about what they may see, shown with real processes and planted words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.accept.evidence import verify
from tests.accept.promises import shows
from tests.audit.access_material import HIDDEN, OTHER, PERSON, planted
from tests.chaos.erasures import dpo_token
from tests.processes import TLOG, run_json
from tests.support import entry_document
from tests.town import Town, town
from tlog.audit.subject_access import SubjectAccess, parse_subject_access

FORMATS = ("json", "csv", "html")
ENTRIES = 120
MINE = [OTHER, {"id": PERSON, "data": {"fields": ["allergies"]}}]


@shows("subject-gets-their-entries")
def subject_gets_their_entries(folder: Path) -> str:
    """Export a third of the log in each form, with evidence; compare with what was sent; erase, and export again."""
    documents = [
        planted(purpose=f"purpose {n % 4}", subjects=MINE)
        if n % 3 == 0
        else entry_document(subjects=[{"id": f"p-{n}"}])
        for n in range(ENTRIES)
    ]
    with town(folder) as place:
        place.append("\n".join(map(json.dumps, documents)).encode(), "?wait=witnessed")
        shutil.copy(place.log_folder / "policy.txt", folder / "policy.txt")
        (folder / "id.txt").write_text(PERSON)
        token = dpo_token(place.log_folder)
        files = [export(place, token, form) for form in FORMATS]
        for path in files:
            text = path.read_text("utf-8").casefold()
            assert not [word for word in HIDDEN if word.casefold() in text], path.name
        require_theirs(parse_subject_access(files[0].read_bytes()), documents)
        shown = verify(folder / "json.proof", folder / "policy.txt", "--json")
        assert shown.returncode == 0, shown.stderr
        assert len(json.loads(shown.stdout)["entries"]) == len(range(0, ENTRIES, 3))
        why = ("--legal-basis", "GDPR Art. 17(1)(b)", "--authorised-by", "Dana Officer", "--yes", "--json")
        told = run_json(
            command(place, "erase", "--subject-file", str(folder / "id.txt"), *why), env={"TLOG_TOKEN": token}
        )
        assert told["status"] == "done"
        after = parse_subject_access(export(place, token, "json").read_bytes())
        assert (after.entries, after.unreadable) == ([], [])
    found = len(range(0, ENTRIES, 3))
    return f"{found} of {ENTRIES} entries in 3 forms, {len(HIDDEN)} words of others in none of them; evidence verifies"


def theirs(number: int) -> dict[str, Any]:
    """Return an entry about the person with words of others in it."""
    return planted(purpose=f"purpose {number % 4}", subjects=MINE)


def export(place: Town, token: str, form: str) -> Path:
    """Make an export with evidence beside it, and return its file."""
    path = place.folder / f"export.{form}"
    who = ("--subject-file", str(place.folder / "id.txt"), "--authorised-by", "Dana Officer")
    files = ("--format", form, "-o", str(path), "--evidence", str(place.folder / f"{form}.proof"), "--json")
    run_json(command(place, "subject-access", *who, *files), env={"TLOG_TOKEN": token})
    return path


def command(place: Town, *arguments: str) -> list[str]:
    return [*TLOG, *arguments, "--url", place.log.url]


def require_theirs(found: SubjectAccess, documents: Sequence[dict[str, Any]]) -> None:
    """Every entry about the person as it was sent, and no other."""
    expected = [index for index in range(len(documents)) if index % 3 == 0]
    assert [entry.index for entry in found.entries] == expected
    for entry in found.entries:
        sent = documents[entry.index]
        assert (entry.purpose, entry.occurred_at, entry.action) == (
            sent["purpose"],
            sent["occurred_at"],
            sent["action"],
        )
        assert entry.data == {"fields": ["allergies"]}
    assert found.tree_size >= len(documents)
