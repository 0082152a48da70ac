"""Requests that the demo tenant and rules.py accept, or refuse late.

`live:KIND:CLIENT:AGE` stands for a live value of a client, such as its newest token. hooks.py replaces it when the
request is sent, so that the generated requests are the same in each run.
"""

from base64 import b64encode
from dataclasses import dataclass, field, replace

from tests.support.http import BACKEND, EVERYTHING, REPORTS, TIMESHEETS

Params = dict[str, str]

# The environment variable that names the file for the counts of answers.
COUNTS_FILE = "GATEHOUSE_FUZZ_COUNTS"
NATIVE = {"client_id": "demo-native"}
M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
BASIC = {"Authorization": "Basic " + b64encode(b"demo-basic:s3cret: with/odd+chars%").decode()}
ALICE = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
LOGIN = ALICE | {"audience": TIMESHEETS, "scope": EVERYTHING}
CUSTOMER = {
    "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
    "realm": "customers",
    "username": "alice@example.com",
    "password": "a different directory",
}
MACHINE = {"grant_type": "client_credentials", "audience": TIMESHEETS}
# No user of the tenant. tests/fuzz/__main__.py guesses at this name until it is blocked.
GUESS = ALICE | {"username": "guessed", "password": "wrong"}
TOO_LONG = {"padding": "x" * 17_000}


@dataclass(frozen=True, slots=True)
class Known:
    """Values that replace the generated ones of a request. body: None keeps the generated body."""

    body: Params | None = None
    headers: Params = field(default_factory=dict)
    query: Params = field(default_factory=dict)
    path: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """The request whose answer holds a live value."""

    request: Known
    method: str = "POST"
    path: str = "/oauth/token"


def live(kind: str, client_id: str = "demo-backend", age: int = 0) -> str:
    """Return the mark of a live token. age: 0 for the newest."""
    return f"live:{kind}:{client_id}:{age}"


def refresh(client_id: str, age: int = 0) -> Params:
    """Return the parameters of a refresh, without the client's."""
    return {"grant_type": "refresh_token", "refresh_token": live("refresh_token", client_id, age)}


def _bearer(token: str) -> Params:
    return {"Authorization": f"Bearer {token}"}


# Bob needs a second factor, unless he logs in to enrol one.
BOB = CUSTOMER | {"username": "bob@example.com", "password": "bob's long password"}
BOBS_LOGIN = BACKEND | BOB | {"audience": TIMESHEETS, "scope": EVERYTHING}
MFA_SCOPES = "enroll read:authenticators remove:authenticators"
MFA_API = {"audience": live("issuer") + "mfa/", "scope": MFA_SCOPES}
MFA_TOKEN = {"mfa_token": live("mfa_token")}
_BY_API = _bearer(live("mfa_api_token"))
_BY_MFA_TOKEN = _bearer(live("mfa_token"))
_OTP = {"authenticator_types": "otp"}
_SMS = {"authenticator_types": "oob", "oob_channels": "sms", "phone_number": "+14155550100"}
_EMAIL_CODE = Known(BACKEND | MFA_TOKEN | {"challenge_type": "oob", "oob_channel": "email"})

# How each client comes to tokens, and bob to what a second factor takes.
LOGINS = {
    "demo-backend": Known(BACKEND | LOGIN),
    "demo-native": Known(NATIVE | LOGIN),
    "demo-basic": Known(LOGIN, BASIC),
    "demo-m2m": Known(M2M | MACHINE),
}
SOURCES = {
    "mfa_token": Source(Known(BOBS_LOGIN)),
    "mfa_api_token": Source(Known(BACKEND | BOB | MFA_API)),
    "mfa_api_read": Source(Known(BACKEND | BOB | MFA_API | {"scope": "read:authenticators"})),
    "mfa_api_remove": Source(Known(BACKEND | BOB | MFA_API | {"scope": "remove:authenticators"})),
    "management_token": Source(Known(M2M | MACHINE | {"audience": live("issuer") + "api/v2/"})),
    "otp_secret": Source(Known(_OTP, _BY_API), path="/mfa/associate"),
    "recovery_code": Source(Known(_OTP, _BY_API), path="/mfa/associate"),
    "oob_code": Source(_EMAIL_CODE, path="/mfa/challenge"),
    "authenticator": Source(Known(headers=_BY_API), "GET", "/mfa/authenticators"),
}


def mfa(kind: str, **params: str) -> Known:
    """Return a login that goes on with a second factor."""
    grant = {"grant_type": f"http://auth0.com/oauth/grant-type/mfa-{kind}"}
    return Known(BACKEND | MFA_TOKEN | grant | params)


_SECOND_FACTOR = [
    Known(BOBS_LOGIN),
    mfa("recovery-code", recovery_code="A" * 24),
    mfa("oob", oob_code=live("oob_code")),
    mfa("oob", oob_code=live("oob_code")),
    mfa("oob", oob_code=live("oob_code"), binding_code="12345"),
    mfa("oob", oob_code="nope"),
    mfa("otp", otp="12345"),
    mfa("otp", otp=live("otp_secret")),
    Known(BOBS_LOGIN),
    mfa("recovery-code", recovery_code=live("recovery_code")),
    Known(BOBS_LOGIN),
    mfa("recovery-code", recovery_code=live("recovery_code")),
    Known(BOBS_LOGIN),
    mfa("otp", otp=live("otp_secret")),
    Known(BACKEND | BOB | MFA_API),
]
_TOKEN = [
    *LOGINS.values(),
    Known(BACKEND | ALICE),
    Known(BACKEND | ALICE | {"audience": REPORTS}),
    Known(BACKEND | ALICE | {"audience": "https://nobody.example.com/"}),
    Known(BACKEND | ALICE | {"username": "blocked"}),
    Known(BACKEND | ALICE | {"username": "nobody"}),
    Known(BACKEND | CUSTOMER),
    Known(BACKEND | CUSTOMER | {"audience": REPORTS, "scope": "openid"}),
    Known(BACKEND | CUSTOMER | {"realm": "partners"}),
    Known(BACKEND | GUESS),
    Known(BACKEND | {"grant_type": "implicit"}),
    Known(BACKEND | MACHINE),
    Known(BACKEND | TOO_LONG),
    Known(M2M | ALICE),
    Known(M2M | MACHINE | {"scope": "delete:timesheets"}),
    Known(NATIVE | LOGIN | {"audience": ""}),
    Known(NATIVE | refresh("demo-native")),
    Known(BACKEND | refresh("demo-backend") | {"scope": "openid"}),
    Known(BACKEND | refresh("demo-backend") | {"scope": "delete:timesheets"}),
    Known(BACKEND | refresh("demo-backend") | {"audience": REPORTS}),
    *(Known(BACKEND | refresh("demo-backend", age)) for age in (0, 0, 0, 1, 2)),
    Known(refresh("demo-basic"), BASIC),
    Known(BACKEND | LOGIN | {"rule": "deny"}),
    Known(BACKEND | LOGIN | {"rule": "redirect"}),
    *_SECOND_FACTOR,
]
_OF_ONE_TOKEN = [
    *(Known(BACKEND | {"token": live(kind)}) for kind in ("access_token", "id_token", "refresh_token")),
    Known(BACKEND | {"token": live("refresh_token", age=1)}),
    Known(NATIVE | {"token": live("refresh_token", "demo-native")}),
    Known(M2M | {"token": live("access_token", "demo-m2m")}),
    Known({"token": live("refresh_token", "demo-basic")}, BASIC),
    Known(BACKEND),
    Known(BACKEND | TOO_LONG),
]
_IN_QUERY = [Known(query={name: "x"}) for name in ("access_token", "client_secret")]
_USERINFO = [
    Known(headers=_bearer(live("access_token"))),
    Known(headers=_bearer(live("access_token", "demo-basic"))),
    Known(headers=_bearer(live("access_token", "demo-m2m"))),
    Known(headers=_bearer(live("id_token"))),
    Known(),
    *_IN_QUERY,
]

_CHALLENGES = [
    Known(BOBS_LOGIN | MFA_TOKEN),
    Known(BACKEND | MFA_TOKEN | {"challenge_type": "otp"}),
    Known(BACKEND | MFA_TOKEN | {"challenge_type": "push"}),
    Known(BACKEND | MFA_TOKEN | {"authenticator_id": "nope"}),
    Known(BACKEND | {"mfa_token": "nope"}),
    Known(NATIVE | MFA_TOKEN),
    Known(BACKEND | TOO_LONG),
    # One more than a person is sent at once.
    *[_EMAIL_CODE] * 21,
]
_ASSOCIATIONS = [
    Known(_OTP, _bearer(live("mfa_api_read"))),
    Known(_OTP, _bearer(live("mfa_api_remove"))),
    Known(_OTP, _BY_MFA_TOKEN),
    Known({"authenticator_types": "oob", "oob_channels": "email", "email": "bob@example.org"}, _BY_API),
    Known({"authenticator_types": "oob", "oob_channels": "sms", "phone_number": "no number"}, _BY_API),
    Known({}, _BY_API),
    Known(_OTP, _bearer(live("access_token"))),
    Known(_OTP),
    Known(TOO_LONG, _BY_API),
    # One more than a person is sent at once.
    *[Known(_SMS, _BY_API)] * 11,
    # The last one is what can be confirmed.
    Known(_OTP, _BY_API),
]
_OF_MFA_API = [
    Known(headers=_BY_API),
    Known(headers=_bearer(live("mfa_api_remove"))),
    Known(headers=_bearer(live("access_token"))),
    Known(),
    *_IN_QUERY,
]
_REMOVALS = [
    Known(headers=_BY_API, path={"authenticator_id": "totp|dev_nope"}),
    Known(headers=_bearer(live("mfa_api_read")), path={"authenticator_id": live("authenticator")}),
    Known(headers=_BY_MFA_TOKEN, path={"authenticator_id": live("authenticator")}),
    *(Known(headers=_BY_API, path={"authenticator_id": live("authenticator", age=age)}) for age in (2, 1, 0)),
    Known(query={"access_token": "x"}, path={"authenticator_id": "totp|dev_nope"}),
]

_JOINS = {"connection": "customers", "email": "joins@example.com"}
_NEW = NATIVE | _JOINS | {"password": "quiet words at 753"}
_BY_NOBODY = {"client_id": "nobody"}
_SIGN_UPS = [
    Known(_NEW),
    Known(BACKEND | _NEW),
    Known(_NEW | {"email": "bob@example.com"}),
    Known(_NEW | {"connection": "employees"}),
    Known(_NEW | {"connection": "partners"}),
    Known(_NEW | {"email": "weak@example.com", "password": "short"}),
    Known(
        _NEW | {"name": "N", "nickname": "n", "picture": "https://example.com/n.png", "phone_number": "+14155550100"}
    ),
    Known(_NEW | {"picture": "javascript:1"}),
    Known(_NEW | _BY_NOBODY),
    Known(_NEW | TOO_LONG),
]
_MAILS = [
    Known(NATIVE | _JOINS),
    Known(BACKEND | _JOINS),
    Known(_JOINS | _BY_NOBODY),
    Known(NATIVE),
    Known(NATIVE | _JOINS | TOO_LONG),
]
_PROOFS = [
    Known(_NEW | {"code": "000000"}),
    Known(_NEW | {"ticket": f"et1_{'0' * 32}nope"}),
    Known(_NEW | {"ticket": "x", "code": "000000"}),
    Known(_NEW | {"ticket": "x"} | _BY_NOBODY),
    Known(NATIVE | _JOINS),
    Known(_NEW | TOO_LONG),
]

# The Management API: what a backend asks for. A client whose secret is new would answer nobody else.
_MANAGER = Known(headers=_bearer(live("management_token", "demo-m2m")))
# By the values of their paths, the operations.
_MANAGED: list[tuple[Params, tuple[str, ...]]] = [
    ({}, (
        "Users", "CreateUser", "UsersByEmail", "NamedBlocks", "LiftNamedBlocks", "ResetTicket", "VerifyTicket",
        "VerificationJob", "Clients", "Apis", "Connections", "Grants",
    )),
    ({"id": "employees|nobody"}, (
        "User", "UpdateUser", "DeleteUser", "Authenticators", "RemoveAuthenticators", "Methods", "Enrollments",
        "RecoveryCode", "RefreshTokens", "EndRefreshTokens", "Sessions", "EndSessions", "Blocks", "LiftBlocks",
    )),
    ({}, ("Roles",)),
    ({"id": "employees|nobody"}, ("UserRoles", "AddRoles", "RemoveRoles", "UserPermissions", "AddPermissions")),
    ({"id": "employees|nobody"}, ("RemovePermissions", "Role", "RolePermissions", "AddMembers", "Members")),
    ({"id": "nobody"}, ("RotateSecret",)),
    ({"ip": "192.0.2.1"}, ("Address", "LiftAddress")),
]  # fmt: skip
_IDENTIFIED = {"email": "bob@example.com", "identifier": "bob@example.com"}

# By the operationId of docs/use/openapi.yaml.
REQUESTS = {
    **{
        f"management{name}": [
            replace(_MANAGER, path=path),
            replace(_MANAGER, path=path, query=_IDENTIFIED),
            Known(path=path),
        ]
        for path, names in _MANAGED
        for name in names
    },
    "mfaChallenge": _CHALLENGES,
    "mfaAssociate": _ASSOCIATIONS,
    "mfaAuthenticators": [*_OF_MFA_API, Known(headers=_BY_MFA_TOKEN)],
    "mfaAuthenticatorsHead": [*_OF_MFA_API, Known(headers=_BY_MFA_TOKEN)],
    "mfaAuthenticatorDelete": _REMOVALS,
    "token": _TOKEN,
    "revoke": _OF_ONE_TOKEN,
    "introspect": _OF_ONE_TOKEN,
    "userinfo": _USERINFO,
    "userinfoHead": _USERINFO,
    "userinfoPost": [*_USERINFO, Known({"access_token": live("access_token")}), Known(TOO_LONG)],
    "signup": _SIGN_UPS,
    "changePassword": _MAILS,
    "sendVerification": _MAILS,
    "verifyEmail": _PROOFS,
    "resetPassword": _PROOFS,
    "unblock": [Known({"ticket": "x"}), Known(TOO_LONG)],
    "verifyByPage": [Known({"ticket": "x"}), Known(TOO_LONG)],
    "resetByPage": [Known({"ticket": "x", "password": "x", "password_repeat": "x"}), Known(TOO_LONG)],
}
EVERYWHERE_ELSE = _IN_QUERY
# What goes wrong late: in one parameter of a request that gets far.
NAMES = [
    "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "username", "password",
    "audience", "resource", "scope", "realm", "refresh_token", "token", "access_token", "mfa_token", "otp", "oob_code",
    "binding_code", "recovery_code", "challenge_type", "authenticator_id", "authenticator_types", "oob_channels",
    "email", "connection", "code", "ticket", "user_metadata",
]  # fmt: skip
ODD = [
    "", " ", "\x00", "\r\n", "%", "+", "&", "é", "e\u0301", "漢", "😀", "\u2028", "\ufffd", "a" * 400, "a" * 5000,
    "null", "[]", "{}", "../", "'", '"', "\\", "demo-m2m", "employees", "partners", "openid", "read:timesheets",
    TIMESHEETS, REPORTS, "password", "refresh_token", "client_credentials", "blocked",
    live("refresh_token", "demo-native"),
]  # fmt: skip
