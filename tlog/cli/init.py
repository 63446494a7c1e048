"""`tlog init`: make a new log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.config import Config, Databases
from tlog.cli.files import read_file
from tlog.cli.kek_option import kek_settings
from tlog.cli.new_folder import MadeFolder, make_folder
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.cli.retention_option import retention_periods
from tlog.cli.token import first_admin
from tlog.cli.witness_option import witness_policy
from tlog.errors import MalformedPolicy
from tlog.formats.policy import Policy, parse_policy
from tlog.service.settings import LogSettings

app = new_app()

EXAMPLES = """\b
Examples:
  tlog init /var/lib/tlog --origin log.example/audit
  tlog init ./log --origin log.example/audit --retention "standard=12:…" --retention "clinical=120:ten years, law X"
  tlog init ./log --origin log.example/audit --quorum 2 \\
    --witness w1=KEYS@https://w1.example --witness w2=KEYS@https://w2.example --witness w3=KEYS@https://w3.example
  tlog init ./log --origin log.example/audit --kek provider=vault --kek url=https://vault.example --kek key=tlog
KEYS are one or more verifier keys, with commas between them (a witness's 'vkeys' file has one a line).
"""


@app.command(epilog=EXAMPLES)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist.", show_default=False)],
    origin: Annotated[str, typer.Option(help="The log's name for ever, best a schema-less URL.", show_default=False)],
    raw_leaves: Annotated[
        bool, typer.Option("--raw-leaves", help="A plain transparency log: POST /add takes any leaf.")
    ] = False,
    sealed_by_producers: Annotated[
        bool,
        typer.Option("--sealed-by-producers", help="POST /add takes leaves that sources seal, beside entries."),
    ] = False,
    witness: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VKEY[,VKEY]@URL", help="A witness (repeatable).")
    ] = None,
    quorum: Annotated[
        int | None, typer.Option(min=1, help="Witnesses that must cosign; default more than half.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Take witnesses, groups and quorum from this tlog-policy file.", show_default=False),
    ] = None,
    retention: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MONTHS:REASON", help="A retention class (repeatable); default: standard, 12."),
    ] = None,
    kek: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of the [kek] table: provider=vault, url=…, key=… (repeatable)."),
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="PostgreSQL for the log (postgresql+psycopg://…), else SQLite in DIR.")
    ] = None,
    keyring_url: Annotated[
        str | None, typer.Option(help="PostgreSQL for the keyring, another database than the log's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new log. Its keys and databases, and DIR/policy.txt for auditors."""
    if policy is not None and (witness or quorum is not None):
        raise typer.BadParameter("give either --policy or --witness and --quorum")
    if raw_leaves and sealed_by_producers:
        raise typer.BadParameter("give either --raw-leaves or --sealed-by-producers")
    witnesses = _read_policy(policy) if policy is not None else witness_policy(witness or [], quorum)
    config = Config(
        origin,
        databases=Databases(database_url, keyring_url),
        settings=LogSettings(raw_leaves=raw_leaves, sealed_by_producers=sealed_by_producers),
        kek=kek_settings(kek or []),
        retention={} if raw_leaves and not retention else retention_periods(retention or []),
    )
    made = make_folder(folder, config, witnesses)
    link = first_admin(made.folder.path)
    text = "\n".join([_text(made), *_kept(made, config, chosen=bool(retention)), _admin(link)])
    emit(_values(made) | {"admin_link": link}, text, as_json)


def _read_policy(path: Path) -> Policy:
    policy = parse_policy(read_file(path))
    if policy.logs:
        raise MalformedPolicy(f"{path} has log lines; leave them out, 'tlog init' writes those of the new log")
    return policy


def _values(made: MadeFolder) -> dict[str, object]:
    return {
        "origin": made.vkeys[0].name,
        "folder": str(made.folder.path),
        "vkeys": [vkey.encode() for vkey in made.vkeys],
        "policy": str(made.folder.policy),
        "witnesses": [line.name.decode("utf-8", "replace") for line in made.policy.witnesses],
    }


def _kept(made: MadeFolder, config: Config, *, chosen: bool) -> list[str]:
    """Return what is to be said of periods that nobody chose."""
    return [
        f"entries are kept {period.months} months, because: {period.reason}.\n"
        f"  Change both in {made.folder.config} ([retention.{name}]): data subjects are told them as your reason"
        for name, period in ({} if chosen else config.retention).items()
    ]


def _admin(link: str) -> str:
    return f"to administer it, open this link once it runs; it logs you in once, within a day:\n  {link}"


def _text(made: MadeFolder) -> str:
    path = made.folder.path
    ed25519, ml_dsa_44 = made.folder.vkeys
    lines = [f"made the log {made.vkeys[0].name} in {path}", f"  {made.vkeys[0].encode()}", f"  (and {ml_dsa_44})", ""]
    if made.policy.witnesses:
        lines += [
            "next, each witness must trust this log:",
            f'  tlog-witness add-log WITNESS-DIR "$(cat {ed25519})" --vkey "$(cat {ml_dsa_44})"',
            "then:",
        ]
    else:
        lines += ["it has no witnesses: its checkpoints carry only its own word.", "next:"]
    lines += [
        f"  tlog token add {path} --source NAME     a token for each service that appends",
        f"  tlog serve {path}",
        f"and give {made.folder.policy} to auditors: 'tlog verify FILE --policy policy.txt' needs nothing else",
    ]
    return "\n".join(lines)
