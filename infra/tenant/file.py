"""The tenant file: its form, and how it is read. What its parts must say of each other is in tenant_checks."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from chalicelib.model.tenant import ID_TOKEN_LIFETIME_S, MFA_GRANTS, REFRESH_TOKEN
from infra.tenant.auth0_words import auth0_words, foreign_names, is_named_otherwise
from infra.tenant.checks import cross_faults
from infra.tenant.faults import Fault, TenantFileError
from infra.tenant.sentences import form_faults, root_fault
from infra.tenant.values import (
    MONTH_S,
    PASSWORD_GRANTS,
    ApiIdentifier,
    AuthMethod,
    BcryptHash,
    ClientId,
    Country,
    Email,
    FactorName,
    GrantType,
    Label,
    Link,
    Listed,
    MetadataText,
    Network,
    Phone,
    RealmAlias,
    RealmName,
    ScopeValue,
    Text,
    Username,
)
from infra.tenant.yaml_lines import Document, parse
from infra.text_file import UnreadableFile, read_text

YEAR_S = 31_557_600
DAY_MS = 86_400_000
PUBLIC = "none"

MonthS = Field(default=MONTH_S, ge=1, le=YEAR_S)


class _Part(BaseModel):
    # strict: YAML's own types count, so that `client_secret: 12345` is a fault and not the text "12345".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Tenant(_Part):
    """The settings of the whole stage. oidc_scopes: how a login that asks for no OIDC scope but `openid` is read."""

    friendly_name: Label
    default_directory: str | None = None
    default_audience: str | None = None
    oidc_scopes: Literal["requested", "auth0"] = "requested"
    revoke_refresh_tokens_on_password_change: bool = True


class PasswordPolicy(_Part):
    """What a new password must keep to. min_length: characters after NFC. history: a number of passwords."""

    min_length: int = Field(default=8, ge=8, le=128)
    history: int = Field(default=0, ge=0, le=24)
    dictionary: Listed[Label] = Field(default=(), max_length=200)
    no_personal_info: bool = True


class Realm(_Part):
    """One user directory. display_name: the name where the file gives none. aliases: what else it may be called."""

    name: RealmName
    aliases: Listed[RealmAlias] = Field(default=(), max_length=20)
    display_name: Label = Field(default_factory=lambda given: str(given["name"]))
    identifiers: Listed[Literal["username", "email"]] = Field(min_length=1)
    password_policy: PasswordPolicy = PasswordPolicy()


class Scope(_Part):
    """One scope of an API."""

    value: ScopeValue
    description: Text | None = None


class Api(_Part):
    """One OAuth resource server. token_lifetime: seconds. introspection_clients: who may introspect its tokens."""

    identifier: ApiIdentifier
    name: Label
    scopes: Listed[Scope] = ()
    signing_alg: Literal["RS256", "ES256"] = "RS256"
    token_lifetime: int = Field(default=86_400, ge=1, le=MONTH_S)
    allow_offline_access: bool = False
    token_dialect: Literal["rfc9068_profile", "access_token"] = "rfc9068_profile"
    introspection_clients: Listed[str] = ()


class Jwk(_Part):
    """One public key. Members that the file left out are None, those that nobody needs are dropped.

    Private ones are faults of tenant_jwks. Source: RFC 7517 4, RFC 7518 6.
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


class JwkSet(_Part):
    """The public keys of a private_key_jwt client."""

    keys: Listed[Jwk] = Field(min_length=1, max_length=10)


def _idle_lifetime(given: dict[str, Any]) -> int:
    return MONTH_S if given["infinite_token_lifetime"] else min(MONTH_S, given["token_lifetime"])


class RefreshTokenPolicy(_Part):
    """How a client's refresh tokens live. Lifetimes and leeway: seconds; leeway None: the server's default.

    idle_token_lifetime: where the file gives none, a month, or token_lifetime where that is shorter.
    """

    rotation_type: Literal["rotating", "non-rotating"] = "non-rotating"
    leeway: int | None = Field(default=None, ge=0, le=YEAR_S)
    token_lifetime: int = MonthS
    infinite_token_lifetime: bool = False
    idle_token_lifetime: int = Field(default_factory=_idle_lifetime, ge=1, le=YEAR_S)
    infinite_idle_token_lifetime: bool = False


class ClientApi(_Part):
    """One API that people's logins through a client may ask for. scope: None for all of its scopes."""

    audience: str
    scope: Listed[str] | None = None


class Client(_Part):
    """One application. client_secret: as typed; None where one is to be made, or where the method takes none.

    apis: None for every API. Lifetimes: seconds. disabled: whether the server treats it as unknown.
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
        """Let a public client's refresh tokens rotate unless the file says otherwise. Source: RFC 9700 2.2.2."""
        policy = given.get("refresh_token", {}) if isinstance(given, dict) else None
        if isinstance(policy, dict) and given.get("token_endpoint_auth_method") == PUBLIC:
            return given | {"refresh_token": {"rotation_type": "rotating"} | policy}
        return given

    @property
    def is_public(self) -> bool:
        """Return whether this client keeps no secret, so that anybody can act as it."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def has_lasting_tokens(self) -> bool:
        """Return whether this client may refresh, and keeps one refresh token until its end."""
        return REFRESH_TOKEN in self.grant_types and self.refresh_token.rotation_type == "non-rotating"

    @property
    def has_password_grant(self) -> bool:
        """Whether this client may send people's passwords."""
        return any(grant in PASSWORD_GRANTS for grant in self.grant_types)

    @property
    def has_cut_id(self) -> bool:
        """Return whether HTTP Basic cuts this client's id in two, unless it is form-encoded."""
        return self.token_endpoint_auth_method == "client_secret_basic" and ":" in self.client_id

    @property
    def has_mfa_grant(self) -> bool:
        """Whether this client may show a second factor."""
        return any(grant in MFA_GRANTS for grant in self.grant_types)


class ClientGrant(_Part):
    """What one client may ask for with client_credentials."""

    client_id: str
    audience: str
    scope: Listed[str]


class Mfa(_Part):
    """When a second factor is owed, and which ones there are. manage_max_age: seconds.

    sms_countries: ISO 3166-1 codes of those that text messages go to; empty means all.
    """

    policy: Literal["never", "always"] = "never"
    factors: Listed[FactorName] = ()
    manage_max_age: int = Field(default=900, ge=60, le=3600)
    sms_countries: Listed[Country] = ()
    max_texts_per_hour: int | None = Field(default=None, ge=1, le=1_000_000)
    max_emails_per_hour: int | None = Field(default=None, ge=1, le=1_000_000)


class BruteForceProtection(_Part):
    """How guessing at one account is stopped. block_lifetime: seconds. allowlist: addresses and CIDR blocks."""

    enabled: bool = True
    mode: Literal["count_per_identifier_and_ip", "count_per_identifier"] = "count_per_identifier_and_ip"
    max_attempts: int = Field(default=10, ge=1, le=100)
    block_lifetime: int = MonthS
    allowlist: Listed[Network] = Field(default=(), max_length=100)


class SuspiciousIpThrottling(_Part):
    """How one address that tries many accounts is stopped. rate: milliseconds. allowlist: addresses and CIDR blocks."""

    enabled: bool = True
    max_attempts: int = Field(default=100, ge=1, le=100_000)
    rate: int = Field(default=864_000, ge=1, le=DAY_MS)
    allowlist: Listed[Network] = Field(default=(), max_length=100)


class BreachedPasswordDetection(_Part):
    """Whether passwords that were disclosed in a breach are refused. range_api: Pwned Passwords is asked too."""

    enabled: bool = True
    range_api: bool = False


class AttackProtection(_Part):
    """The three protections, each at its defaults where the file says nothing."""

    brute_force_protection: BruteForceProtection = BruteForceProtection()
    suspicious_ip_throttling: SuspiciousIpThrottling = SuspiciousIpThrottling()
    breached_password_detection: BreachedPasswordDetection = BreachedPasswordDetection()


class User(_Part):
    """One person, for a local run and tests. At most one of password (as typed) and password_hash (bcrypt)."""

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
    # Any: the values are JSON already; yaml_lines lets nothing else through.
    app_metadata: dict[str, Any] = {}
    user_metadata: dict[str, Any] = {}


class TenantFile(_Part):
    """A whole tenant file. users: by the name of their realm."""

    tenant: Tenant
    realms: Listed[Realm] = Field(min_length=1)
    apis: Listed[Api] = ()
    clients: Listed[Client] = ()
    client_grants: Listed[ClientGrant] = ()
    mfa: Mfa = Mfa()
    attack_protection: AttackProtection = AttackProtection()
    users: dict[str, Listed[User]] = {}


def load(path: Path) -> TenantFile:
    """Return the tenant file at path, checked as a whole.

    Raises TenantFileError with every fault at once; none of its texts holds a secret or a password.
    """
    document = parse(_text(path))
    if document.is_broken(()):
        raise TenantFileError(path, document.faults)
    if not isinstance(document.value, dict):
        raise TenantFileError(path, [*document.faults, root_fault(document, TenantFile)])
    tenant_file, errors = _validate(document)
    words = auth0_words(document, TenantFile, {error["loc"] for error in errors})
    own_errors = [error for error in errors if error["loc"] not in words and not _has_auth0s_name(error, document)]
    faults = [*document.faults, *form_faults(own_errors, document, TenantFile), *cross_faults(document)]
    if tenant_file is None or faults or words:
        raise TenantFileError(path, faults, foreign_names(words, document))
    return _with_realm_names(tenant_file)


def _text(path: Path) -> str:
    try:
        return read_text(path, "name the tenant file in it", "import the users instead of listing them here")
    except UnreadableFile as unreadable:
        fault = Fault(unreadable.line, unreadable.problem)
    # Out here, so that nothing of the file is a context of what is raised.
    raise TenantFileError(path, [fault])


def _with_realm_names(file: TenantFile) -> TenantFile:
    """Return the file with each realm that it calls by an alias called by its name."""
    names = {alias: realm.name for realm in file.realms for alias in realm.aliases}
    users: dict[str, tuple[User, ...]] = {}
    for called, people in file.users.items():
        name = names.get(called, called)
        users[name] = (*users.get(name, ()), *people)
    clients = tuple(
        client.model_copy(update={"realms": tuple(dict.fromkeys(names.get(one, one) for one in client.realms))})
        for client in file.clients
    )
    directory = file.tenant.default_directory
    tenant = file.tenant.model_copy(update={"default_directory": names.get(directory or "", directory)})
    return file.model_copy(update={"tenant": tenant, "clients": clients, "users": users})


def _has_auth0s_name(error: ErrorDetails, document: Document) -> bool:
    """Return whether a section is missing only because it has Auth0's name."""
    (*around, key), value = error["loc"], document.value
    is_missing = error["type"] == "missing" and not around
    return is_missing and isinstance(value, dict) and is_named_otherwise(str(key), value)


def _validate(document: Document) -> tuple[TenantFile | None, list[ErrorDetails]]:
    # The error holds the file's values: it ends here, and is no cause or context of what load() raises.
    try:
        return TenantFile.model_validate(document.value), []
    except ValidationError as error:
        return None, error.errors(include_url=False)
