"""What has to be known of the identity provider, and of the two things it is asked for.

With `client_id` people log in (authorization code flow); with `audience` services bring bearer tokens. Both may
be set, and they must differ: a token made for a login must not open what a service's token opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tlog.errors import ConfigurationInvalid
from tlog.service.identity.endpoint import check_endpoint
from tlog.service.identity.grants import RoleRule

PROFILES = ("rfc9068", "jwt")
MAX_SCOPES = 32


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Settings of one provider. `issuer` is compared as it stands.

    `client_secret` None: a public client. ID tokens may name the `trusted_audiences` beside the client.
    `access_profile` is "rfc9068", or "jwt" for providers whose access tokens are plain JWTs. `name_claim` and
    `roles_claim` are names of claims, or dotted paths into them. `roles` are the rules by value of the roles claim.
    `ca` is a PEM file.
    """

    issuer: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    audience: str | None = None
    trusted_audiences: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    access_profile: str = "rfc9068"
    name_claim: str = "name"
    roles_claim: str = "groups"
    roles: dict[str, RoleRule] = field(default_factory=dict)
    ca: str | None = None

    def check(self) -> None:
        """Raise `ConfigurationInvalid` where the settings can't be meant."""
        check_endpoint(self.issuer, "issuer", ConfigurationInvalid)
        texts = {"client_id": self.client_id, "audience": self.audience}
        texts |= {"name_claim": self.name_claim, "roles_claim": self.roles_claim}
        if empty := [name for name, text in texts.items() if text == ""]:
            raise ConfigurationInvalid(f"{empty[0]}: is empty")
        if self.client_id is None and self.audience is None:
            raise ConfigurationInvalid("set client_id (people log in), audience (services bring tokens) or both")
        if self.audience is not None and self.audience in {self.client_id, *self.trusted_audiences}:
            raise ConfigurationInvalid(
                "audience must differ from client_id and trusted_audiences: else an ID token would be a bearer token"
            )
        if "openid" not in self.scopes or len(self.scopes) > MAX_SCOPES:
            raise ConfigurationInvalid(f"scopes: 'openid' must be among them, and at most {MAX_SCOPES} in all")
        if self.access_profile not in PROFILES:
            raise ConfigurationInvalid(f"access_profile: is none of {', '.join(PROFILES)}")
        if not self.roles:
            raise ConfigurationInvalid("roles: map at least one value of the roles claim, else nobody may do anything")
        for value, rule in self.roles.items():
            rule.check(value)
