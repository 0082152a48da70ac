"""The form of a tenant file: its sections, their fields and defaults. The cross-checks are in checks/."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from chalicelib.model.tenant import ID_TOKEN_LIFETIME_S, MFA_GRANTS, REFRESH_TOKEN
from infra.tenant.events import Events
from infra.tenant.part import Part
from infra.tenant.protection import AttackProtection, Keys, Mfa
from infra.tenant.values import (
    MONTH_S,
    PASSWORD_GRANTS,
    YEAR_S,
    ApiIdentifier,
    AuthMethod,
    BcryptHash,
    ClientId,
    Email,
    GrantType,
    ImportFrom,
    Label,
    Link,
    Listed,
    MetadataText,
    Phone,
    PrivateMember,
    RealmAlias,
    RealmName,
    ResultHost,
    RoleName,
    ScopeValue,
    Text,
    TicketUrl,
    Username,
)

PUBLIC = "none"
Dialect = Literal["rfc9068_profile", "access_token", "rfc9068_profile_authz", "access_token_authz"]
MonthS = Field(default=MONTH_S, ge=1, le=YEAR_S)


class Tenant(Part):
    """The settings of the whole stage. oidc_scopes: the meaning of a login without an OIDC scope but `openid`."""

    friendly_name: Label
    default_directory: str | None = None
    default_audience: str | None = None
    oidc_scopes: Literal["requested", "auth0"] = "requested"
    revoke_refresh_tokens_on_password_change: bool = True
    notices: bool = True


class PasswordPolicy(Part):
    """The demands on a new password. min_length: characters after NFC. history: a number of passwords."""

    min_length: int = Field(default=8, ge=8, le=128)
    history: int = Field(default=0, ge=0, le=24)
    dictionary: Listed[Label] = Field(default=(), max_length=200)
    no_personal_info: bool = True


class SignUp(Part):
    """Whether people make their own accounts, and whether these need a verified email."""

    enabled: bool = False
    requires_verified_email: bool = False


class PasswordReset(Part):
    """Whether people reset their own passwords. url: of the team's page; None for the one of Gatehouse."""

    enabled: bool = True
    url: TicketUrl | None = None


class Realm(Part):
    """One user directory. display_name: the name by default. aliases: other names of the realm.

    result_hosts: where a ticket's result_url may lead. import_from: the function that knows people who have not moved.
    """

    name: RealmName
    aliases: Listed[RealmAlias] = Field(default=(), max_length=20)
    display_name: Label = Field(default_factory=lambda given: str(given.get("name", "")))
    identifiers: Listed[Literal["username", "email"]] = Field(min_length=1)
    password_policy: PasswordPolicy = PasswordPolicy()
    signup: SignUp = SignUp()
    password_reset: PasswordReset = PasswordReset()
    result_hosts: Listed[ResultHost] = Field(default=(), max_length=20)
    import_from: ImportFrom | None = None


class Scope(Part):
    """One scope of an API."""

    value: ScopeValue
    description: Text | None = None


class Api(Part):
    """One OAuth resource server. token_lifetime: seconds. introspection_clients: they may introspect its tokens.

    enforce_policies: whether people get only the scopes that their roles and direct permissions permit.
    """

    identifier: ApiIdentifier
    name: Label
    scopes: Listed[Scope] = ()
    signing_alg: Literal["RS256", "ES256"] = "RS256"
    token_lifetime: int = Field(default=86_400, ge=1, le=MONTH_S)
    allow_offline_access: bool = False
    token_dialect: Dialect = "rfc9068_profile"
    introspection_clients: Listed[str] = ()
    enforce_policies: bool = False

    @property
    def has_permissions_claim(self) -> bool:
        """Whether its access tokens have the claim `permissions`."""
        return self.token_dialect.endswith("_authz")


class Permission(Part):
    """One scope of an API, by the API's identifier."""

    api: str
    value: str


class Role(Part):
    """A role that people of all realms can have."""

    name: RoleName
    description: Text | None = None
    permissions: Listed[Permission] = Field(default=(), max_length=1_000)


class Jwk(Part):
    """One public key. Members that the file left out are None; members without a use here are dropped.

    key_ops, in any form, is checked and dropped too. Source: RFC 7517 4, RFC 7518 6.
    """

    model_config = ConfigDict(extra="ignore")

    kty: Literal["RSA", "EC"]
    n: str | None = Field(default=None, max_length=1400)
    e: str | None = Field(default=None, max_length=16)
    crv: Literal["P-256"] | None = None
    x: str | None = Field(default=None, max_length=100)
    y: str | None = Field(default=None, max_length=100)
    kid: Text | None = None
    alg: Literal["RS256", "ES256", "PS256"] | None = None
    use: Literal["sig"] | None = None
    key_ops: Any = Field(default=None, exclude=True)
    d: PrivateMember = None
    p: PrivateMember = None
    q: PrivateMember = None
    dp: PrivateMember = None
    dq: PrivateMember = None
    qi: PrivateMember = None
    oth: PrivateMember = None
    k: PrivateMember = None


class JwkSet(Part):
    """The public keys of a private_key_jwt client."""

    keys: Listed[Jwk] = Field(min_length=1, max_length=10)


def _idle_lifetime(given: dict[str, Any]) -> int:
    return MONTH_S if given["infinite_token_lifetime"] else min(MONTH_S, given["token_lifetime"])


class RefreshTokenPolicy(Part):
    """The lifetimes of a client's refresh tokens, and their leeway, in seconds. leeway: None for the server's default.

    idle_token_lifetime: by default a month, or token_lifetime if that is shorter.
    """

    rotation_type: Literal["rotating", "non-rotating"] = "non-rotating"
    leeway: int | None = Field(default=None, ge=0, le=YEAR_S)
    token_lifetime: int = MonthS
    infinite_token_lifetime: bool = False
    idle_token_lifetime: int = Field(default_factory=_idle_lifetime, ge=1, le=YEAR_S)
    infinite_idle_token_lifetime: bool = False


class ClientApi(Part):
    """One API that a user's login through a client may request. scope: None for all scopes of the API."""

    audience: str
    scope: Listed[str] | None = None


class Client(Part):
    """One application. client_secret: as typed; None if `apply` makes one, or if the method has none.

    apis: None for all APIs. Lifetimes: seconds. disabled: the server treats the client as unknown.
    """

    client_id: ClientId
    name: Label
    client_secret: str | None = Field(default=None, min_length=1, max_length=1024, repr=False)
    token_endpoint_auth_method: AuthMethod = "client_secret_post"
    grant_types: Listed[GrantType]
    realms: Listed[str] = ()
    apis: Listed[ClientApi] | None = None
    disabled: bool = False
    is_token_endpoint_ip_header_trusted: bool = False
    jwks: JwkSet | None = None
    strict_audience: bool = False
    refresh_token: RefreshTokenPolicy = RefreshTokenPolicy()
    access_token_lifetime: int | None = Field(default=None, ge=1, le=MONTH_S)
    id_token_lifetime: int = Field(default=ID_TOKEN_LIFETIME_S, ge=1, le=MONTH_S)
    client_metadata: dict[MetadataText, MetadataText] = Field(default={}, max_length=10)

    @model_validator(mode="before")
    @classmethod
    def _rotate_if_public(cls, given: Any) -> Any:
        """Return the given values; a public client's refresh tokens rotate by default. Source: RFC 9700 2.2.2."""
        policy = given.get("refresh_token", {}) if isinstance(given, dict) else None
        if isinstance(policy, dict) and given.get("token_endpoint_auth_method") == PUBLIC:
            return given | {"refresh_token": {"rotation_type": "rotating"} | policy}
        return given

    @property
    def is_public(self) -> bool:
        """Whether this client has no secret, so that its client_id proves nothing."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def has_lasting_tokens(self) -> bool:
        """Whether this client may refresh, and its refresh tokens do not rotate."""
        return REFRESH_TOKEN in self.grant_types and self.refresh_token.rotation_type == "non-rotating"

    @property
    def has_password_grant(self) -> bool:
        """Whether this client may send users' passwords."""
        return any(grant in PASSWORD_GRANTS for grant in self.grant_types)

    @property
    def has_cut_id(self) -> bool:
        """Whether HTTP Basic cuts this client's id at a colon, unless the client form-encodes it."""
        return self.token_endpoint_auth_method == "client_secret_basic" and ":" in self.client_id

    @property
    def has_mfa_grant(self) -> bool:
        """Whether this client may send a second factor."""
        return any(grant in MFA_GRANTS for grant in self.grant_types)


class ClientGrant(Part):
    """The access that one client may get with client_credentials."""

    client_id: str
    audience: str
    scope: Listed[str]


class User(Part):
    """One user, for a local run and tests. At most one of password (as typed) and password_hash (bcrypt).

    roles: the names of roles of this file.
    """

    username: Username | None = None
    email: Email | None = None
    email_verified: bool = False
    password: str | None = Field(default=None, min_length=1, max_length=1024, repr=False)
    password_hash: BcryptHash | None = Field(default=None, repr=False)
    name: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    nickname: Text | None = None
    picture: Link | None = None
    phone_number: Phone | None = None
    phone_verified: bool = False
    blocked: bool = False
    roles: Listed[str] = Field(default=(), max_length=50)
    # Any: the values are JSON already; yaml_lines lets nothing else through.
    app_metadata: dict[str, Any] = Field(default={})
    user_metadata: dict[str, Any] = Field(default={})


class TenantFile(Part):
    """A whole tenant file. users: by the name of their realm."""

    tenant: Tenant
    realms: Listed[Realm] = Field(min_length=1)
    apis: Listed[Api] = ()
    clients: Listed[Client] = ()
    client_grants: Listed[ClientGrant] = ()
    roles: Listed[Role] = ()
    mfa: Mfa = Mfa()
    attack_protection: AttackProtection = AttackProtection()
    keys: Keys = Keys()
    events: Events | None = None
    users: dict[str, Listed[User]] = Field(default={})
