"""`tlog.toml`, the settings of a data folder: how it is written and read.

    origin = "example.com/log"
    [listen]      host, port, tls_cert, tls_key, client_ca (paths relative to the data folder), public_url
    [databases]   log, keyring: SQLAlchemy URLs; left out, they are log.db and keyring.db in the folder
    [kek]         provider = "file" | "vault" | "aws-kms", and its options (`tlog/keys/kek_settings.py`)
    [oidc]        an OpenID Connect provider, and which roles it gives (`tlog/cli/oidc_table.py`)
    [settings]    every number of `LogSettings`, in its units
    [retention.NAME]    months, reason: how long entries of the class NAME are kept, and why. With at least one,
                        entries of other classes are refused; with none, every class is accepted and nothing expires

An unknown key is refused: a misspelt setting would silently have no effect.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tlog.audit.fields import RetentionClass as RetentionClassName
from tlog.cli.oidc_table import OidcTable, encode_oidc, unknown_of_oidc
from tlog.client.drill_result import MAX_RECORDS
from tlog.errors import ConfigurationInvalid
from tlog.keys.kek_settings import KekSettings
from tlog.service.identity.endpoint import check_endpoint
from tlog.service.retention_rules import MAX_MONTHS, RetentionClass
from tlog.service.settings import LogSettings


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the log listens. Port 0 takes a free one. TLS needs a certificate chain and its key, both PEM.

    With `client_ca` (PEM) clients may show certificates. `public_url` is where browsers reach the log, with a proxy in
    between or not: scheme, host and port.
    """

    host: str = "127.0.0.1"
    port: int = 8088
    tls_cert: str | None = None
    tls_key: str | None = None
    client_ca: str | None = None
    public_url: str | None = None

    @property
    def over_tls(self) -> bool:
        """Whether browsers reach the log over TLS, also where a proxy ends it before the log."""
        return self.tls_cert is not None if self.public_url is None else self.public_url.startswith("https:")

    def url(self, port: int) -> str:
        """Return where the log itself is reached that listens on this port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls_cert is None else 'https'}://{host}:{port}"

    def check(self) -> None:
        """Raise `ConfigurationInvalid`, which names the setting."""
        if not 0 <= self.port <= 65535:
            raise ConfigurationInvalid(f"listen.port: {self.port} is not within 0 and 65535")
        if self.public_url is not None:
            check_endpoint(self.public_url, "listen.public_url", ConfigurationInvalid)
            parts = urlsplit(self.public_url)
            if parts.path.strip("/") or "?" in self.public_url:
                raise ConfigurationInvalid("listen.public_url: takes no path and no query, only scheme, host and port")


@dataclass(frozen=True, slots=True)
class Databases:
    """SQLAlchemy URLs; None is the SQLite file in the data folder."""

    log: str | None = None
    keyring: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionPeriod:
    """How many months the entries of a class are kept, and the legal reason for that."""

    months: int
    reason: str


@dataclass(frozen=True, slots=True)
class Config:
    """What `tlog.toml` says."""

    origin: str
    listen: Listen = field(default_factory=Listen)
    databases: Databases = field(default_factory=Databases)
    kek: KekSettings = field(default_factory=KekSettings)
    settings: LogSettings = field(default_factory=LogSettings)
    retention: dict[str, RetentionPeriod] = field(default_factory=dict)
    oidc: OidcTable | None = None

    @property
    def retention_classes(self) -> dict[str, RetentionClass]:
        """The classes by name."""
        return {name: RetentionClass(name, kept.months, kept.reason) for name, kept in self.retention.items()}


_MAY_BE_NONE = frozenset({"sealing_processes", "drill_interval"})
_TABLES: dict[str, type[Any]] = {"listen": Listen, "databases": Databases, "kek": KekSettings, "settings": LogSettings}


def parse_config(data: bytes, where: str) -> Config:
    """Return the settings in a file's bytes. Raises `ConfigurationInvalid`, opened by `where`."""
    try:
        document = tomllib.loads(data.decode("utf-8"))
        _refuse_unknown(document)
        config = msgspec.convert(document, Config)
        _check_numbers(config)
        config.listen.check()
        config.kek.check()
        _check_oidc(config)
        _check_retention(config)
    except (ValueError, ConfigurationInvalid) as error:  # UnicodeDecodeError, TOMLDecodeError, ValidationError
        raise ConfigurationInvalid(f"{where}: {error}") from None
    return config


def encode_config(config: Config) -> str:
    """Return a file that parses to `config`, with every setting spelt out."""
    lines = ["# What this log is and how it behaves; see docs/operations.md. Times in seconds, sizes in bytes."]
    lines.append(f"origin = {_value(config.origin)}")
    for name in _TABLES:
        table = getattr(config, name)
        lines += ["", f"[{name}]"]
        lines += [_line(item.name, getattr(table, item.name)) for item in fields(table)]
    for name, kept in config.retention.items():
        lines += ["", f"[retention.{name}]"]
        lines += [_line(item.name, getattr(kept, item.name)) for item in fields(kept)]
    if config.oidc is not None:
        lines += encode_oidc(config.oidc)
    return "\n".join(lines) + "\n"


def _line(name: str, value: object) -> str:
    return f"# {name} =" if value is None else f"{name} = {_value(value)}"


def _value(value: object) -> str:
    # TOML's basic strings take JSON's escapes; U+007F is the one character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _refuse_unknown(document: Mapping[str, Any]) -> None:
    unknown = [name for name in document if name not in {"origin", "retention", "oidc", *_TABLES}]
    for table, schema in _TABLES.items():
        content = document.get(table)
        if isinstance(content, dict):
            known = {item.name for item in fields(schema)}
            unknown += [f"{table}.{name}" for name in content if name not in known]
    unknown += _unknown_of_retention(document) + unknown_of_oidc(document)
    if unknown:
        raise ConfigurationInvalid(f"unknown: {', '.join(sorted(unknown))}; docs/operations.md lists every setting")


def _unknown_of_retention(document: Mapping[str, Any]) -> list[str]:
    classes = document.get("retention")
    if not isinstance(classes, dict):
        return []
    known = {item.name for item in fields(RetentionPeriod)}
    given = [(name, kept) for name, kept in classes.items() if isinstance(kept, dict)]
    return [f"retention.{name}.{key}" for name, kept in given for key in kept if key not in known]


def _check_retention(config: Config) -> None:
    for name, kept in config.retention.items():
        try:
            msgspec.convert(name, RetentionClassName)
        except msgspec.ValidationError:
            raise ConfigurationInvalid(f"retention: {json.dumps(name)} can't be the name of a class") from None
        if not 1 <= kept.months <= MAX_MONTHS:
            raise ConfigurationInvalid(f"retention.{name}.months: {kept.months} is not within 1 and {MAX_MONTHS}")
        if not kept.reason.strip():
            raise ConfigurationInvalid(f"retention.{name}.reason: say why entries of this class are kept so long")


def _check_oidc(config: Config) -> None:
    if config.oidc is None:
        return
    config.oidc.check()
    if config.oidc.client_id is not None and config.listen.public_url is None:
        raise ConfigurationInvalid("oidc.client_id: set listen.public_url too; browsers are sent back there")


def _check_numbers(config: Config) -> None:
    for item in fields(config.settings):
        value = getattr(config.settings, item.name)
        if item.name in _MAY_BE_NONE and value == 0:
            continue
        if not isinstance(value, bool) and not 0 < value < float("inf"):
            raise ConfigurationInvalid(f"settings.{item.name}: {value} is not a number above 0")
    if config.settings.drill_records > MAX_RECORDS:
        raise ConfigurationInvalid(f"settings.drill_records: {config.settings.drill_records} is over {MAX_RECORDS}")
