"""The configuration of one stage: the tenant, its realms, APIs and clients."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chalicelib.model.address import is_listed
from chalicelib.model.bucket import Bucket
from chalicelib.model.key import ROTATION_DAYS

PASSWORD = "password"
REFRESH_TOKEN = "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
MFA_OOB = "http://auth0.com/oauth/grant-type/mfa-oob"
MFA_RECOVERY_CODE = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
# Our own API of a user's authenticators; it stands in no tenant file.
ENROLL = "enroll"
READ_AUTHENTICATORS = "read:authenticators"
REMOVE_AUTHENTICATORS = "remove:authenticators"
MFA_SCOPES = (ENROLL, READ_AUTHENTICATORS, REMOVE_AUTHENTICATORS)
MFA_TOKEN_LIFETIME_S = 600
ID_TOKEN_LIFETIME_S = 36_000
# The tenant file's name of the Management API, whose audience depends on the issuer.
MANAGEMENT = "management"
MANAGEMENT_SCOPES = (
    "read:users",
    "create:users",
    "update:users",
    "delete:users",
    "read:anomaly_blocks",
    "delete:anomaly_blocks",
    "read:refresh_tokens",
    "delete:refresh_tokens",
    "read:sessions",
    "delete:sessions",
    "read:roles",
    "create:role_members",
    "delete:role_members",
    "create:user_tickets",
    "read:clients",
    "read:resource_servers",
    "read:connections",
    "read:client_grants",
    "update:client_keys",
)
MFA_GRANTS = (MFA_OTP, MFA_OOB, MFA_RECOVERY_CODE)
# The grants that the tenant file may give to a client.
GRANT_TYPES = (PASSWORD, PASSWORD_REALM, REFRESH_TOKEN, CLIENT_CREDENTIALS, *MFA_GRANTS)


def mfa_audience(issuer: str) -> str:
    """Return the audience of an issuer's MFA API."""
    return f"{issuer}mfa/"


def management_audience(issuer: str) -> str:
    """Return the audience of an issuer's Management API."""
    return f"{issuer}api/v2/"


@dataclass(frozen=True, slots=True)
class BruteForceProtection:
    """How guessing at one account is stopped.

    is_per_address: whether each address has a count of its own; if not, all addresses share one.
    max_attempts: failures that block. block_lifetime_s: seconds from the last counted attempt to the end of the block.
    allowlist: addresses and CIDR blocks that are never counted.
    """

    enabled: bool = True
    is_per_address: bool = True
    max_attempts: int = 10
    block_lifetime_s: int = 2_592_000
    allowlist: tuple[str, ...] = ()

    def guards(self, address: str) -> bool:
        """Whether attempts from this address are counted."""
        return self.enabled and not is_listed(address, self.allowlist)


# A /48 has 65,536 /64s, and may have as many failures as 16 of them.
WIDE_FACTOR = 16


@dataclass(frozen=True, slots=True)
class SuspiciousIpThrottling:
    """How one address that tries many accounts is stopped.

    bucket: how many failures it may have. allowlist: addresses and CIDR blocks that are never throttled.
    """

    enabled: bool = True
    bucket: Bucket = field(default_factory=lambda: Bucket(size=100, rate_ms=864_000))
    allowlist: tuple[str, ...] = ()

    @property
    def wide_bucket(self) -> Bucket:
        """How many failures the /48 around an address may have."""
        return self.bucket.times(WIDE_FACTOR)

    def guards(self, address: str) -> bool:
        """Whether failures from this address are counted."""
        return self.enabled and not is_listed(address, self.allowlist)


@dataclass(frozen=True, slots=True)
class MfaPolicy:
    """The second factors of a tenant. policy: `never` or `always`; enrolled users and rules ask for one in any case.

    manage_max_age_s: how long after the password an access token of the MFA API may manage authenticators.
    sms_countries: the ISO 3166-1 codes of countries that text messages go to; empty allows all. messages_per_hour:
    how many messages of a kind, sms or email, the stage sends at most.
    """

    policy: str = "never"
    factors: tuple[str, ...] = ()
    manage_max_age_s: int = 900
    sms_countries: tuple[str, ...] = ()
    messages_per_hour: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BreachedPasswordDetection:
    """Whether breached passwords are refused, at logins and for new passwords.

    asks_range_api: whether Pwned Passwords is asked too, over the network.
    """

    enabled: bool = True
    asks_range_api: bool = False


@dataclass(frozen=True, slots=True)
class RefreshTokenPolicy:
    """The rotation and lifetimes of a client's refresh tokens. Lifetimes are seconds, None for no end.

    leeway_s: how long the predecessor of a rotated token is still accepted. token_lifetime_s: from the first token.
    idle_token_lifetime_s: from the last use.
    """

    is_rotating: bool = False
    leeway_s: int = 10
    token_lifetime_s: int | None = 2_592_000
    idle_token_lifetime_s: int | None = 2_592_000


@dataclass(frozen=True, slots=True)
class Tenant:
    """The settings of a whole stage.

    default_directory: the realm of grant_type=password; None refuses that grant.
    default_audience: the audience of a request that names none; None yields a token for /userinfo alone.
    grant_types: every grant that some client of this tenant has. has_auth0_scopes: whether a request without scope, or
    with `openid` alone, gets Auth0's five OIDC scopes. revokes_on_password_change: whether a new password
    ends the user's refresh tokens. sends_notices: whether security notices are mailed.
    realm_aliases: the realms' names by their aliases. rotation_days: until a key that signs is replaced; 0 for never.
    """

    friendly_name: str
    default_directory: str | None = None
    default_audience: str | None = None
    grant_types: tuple[str, ...] = ()
    has_auth0_scopes: bool = False
    revokes_on_password_change: bool = True
    sends_notices: bool = True
    brute_force_protection: BruteForceProtection = field(default_factory=BruteForceProtection)
    suspicious_ip_throttling: SuspiciousIpThrottling = field(default_factory=SuspiciousIpThrottling)
    mfa: MfaPolicy = field(default_factory=MfaPolicy)
    breached_password_detection: BreachedPasswordDetection = field(default_factory=BreachedPasswordDetection)
    realm_aliases: dict[str, str] = field(default_factory=dict)
    rotation_days: int = ROTATION_DAYS

    def realm_named(self, name: str) -> str:
        """Return the name of the realm that has this alias; any other text as it is."""
        return self.realm_aliases.get(name, name)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The demands on a new password.

    min_length: characters after NFC. history: how many of the latest passwords, the current one included, may not be
    used again. dictionary: words that may not be passwords, in any case. no_personal_info: whether the password must
    not hold the user's names.
    """

    min_length: int = 8
    history: int = 0
    dictionary: tuple[str, ...] = ()
    no_personal_info: bool = True


@dataclass(frozen=True, slots=True)
class SignUpPolicy:
    """Whether people make their own accounts.

    requires_verified_email: whether an account needs a verified email to log in; then sign-ups tell nobody who exists.
    """

    enabled: bool = False
    requires_verified_email: bool = False


@dataclass(frozen=True, slots=True)
class PasswordResetPolicy:
    """Whether people reset their own passwords. url: the team's own page, with `{ticket}`; None for Gatehouse's."""

    enabled: bool = True
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Realm:
    """One user directory. identifiers: what a user may type as username (`username`, `email`).

    result_hosts: where the pages of tickets may lead a person in the end; each a host, with a port if it has one.
    import_from: the function that is asked about unknown names, as `package:function`; "" for none.
    """

    name: str
    display_name: str
    identifiers: tuple[str, ...]
    users_table: str
    password_policy: PasswordPolicy = field(default_factory=PasswordPolicy)
    signup: SignUpPolicy = field(default_factory=SignUpPolicy)
    password_reset: PasswordResetPolicy = field(default_factory=PasswordResetPolicy)
    result_hosts: tuple[str, ...] = ()
    import_from: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """One OAuth resource server. scopes: in the order of the tenant file.

    introspection_clients: the clients that may introspect its tokens, beside the one that a token was issued to.
    token_dialect: `rfc9068_profile` (typ at+jwt) or `access_token` (Auth0's typ JWT); `_authz` adds `permissions`.
    enforce_policies: whether users get permitted scopes alone. role_permissions: the scopes that each role permits.
    """

    identifier: str
    name: str
    scopes: tuple[str, ...] = ()
    signing_alg: str = "RS256"
    token_lifetime_s: int = 86_400
    allow_offline_access: bool = False
    token_dialect: str = "rfc9068_profile"
    introspection_clients: frozenset[str] = frozenset()
    enforce_policies: bool = False
    role_permissions: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client secret as it is stored: its SHA-256 in hex. expires_at: epoch seconds; None for the current one."""

    sha256: str = field(repr=False)
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """One application. realms: the names of those whose users may log in through it.

    apis: the APIs that users' logins through it may request, each with the allowed scopes, None for all scopes; None
    instead of the mapping allows every API. access_token_lifetime_s: an upper bound beside the API's own.
    jwks: the public keys of a private_key_jwt client, each a JWK. strict_audience: whether its assertions must name
    the issuer alone. client_grants: the scopes that client_credentials may request, by audience. client_metadata: the
    team's own texts, for rules.
    """

    client_id: str
    name: str
    token_endpoint_auth_method: str
    grant_types: frozenset[str]
    realms: frozenset[str]
    secrets: tuple[ClientSecret, ...] = field(default=(), repr=False)
    jwks: tuple[dict[str, str], ...] = ()
    strict_audience: bool = False
    is_token_endpoint_ip_header_trusted: bool = False
    refresh_token: RefreshTokenPolicy = field(default_factory=RefreshTokenPolicy)
    client_grants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    apis: Mapping[str, frozenset[str] | None] | None = None
    access_token_lifetime_s: int | None = None
    id_token_lifetime_s: int = ID_TOKEN_LIFETIME_S
    client_metadata: dict[str, str] = field(default_factory=dict)

    @property
    def is_forwarding(self) -> bool:
        """Whether this client's auth0-forwarded-for header is honoured; a public client's never is."""
        return self.is_token_endpoint_ip_header_trusted and self.token_endpoint_auth_method != "none"

    def bound_api(self, api: Api) -> Api | None:
        """Return the API with the scopes that logins through this client may have, or None if they may have none."""
        if self.apis is None:
            return api
        if api.identifier not in self.apis:
            return None
        scopes = self.apis[api.identifier]
        return api if scopes is None else replace(api, scopes=tuple(one for one in api.scopes if one in scopes))
