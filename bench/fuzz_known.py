"""What the fuzzer knows of the demo tenant: requests that get far.

`live:KIND:CLIENT:AGE` stands for a token that the client was given, the newest or an older one; fuzz_hooks.py puts the
token in its place when the request is sent, so that the same request is drawn in every run.
"""

from base64 import b64encode
from dataclasses import dataclass, field

Params = dict[str, str]

# The environment variable that names the file for what was answered.
TALLY = "GATEHOUSE_FUZZ_TALLY"
TIMESHEETS = "https://api.example.com/timesheets"
REPORTS = "https://api.example.com/reports"
BACKEND = {"client_id": "demo-backend", "client_secret": "demo-backend-secret"}
NATIVE = {"client_id": "demo-native"}
M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
BASIC = {"Authorization": "Basic " + b64encode(b"demo-basic:s3cret: with/odd+chars%").decode()}
EVERYTHING = "openid profile email offline_access read:timesheets"
ALICE = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
LOGIN = ALICE | {"audience": TIMESHEETS, "scope": EVERYTHING}
CUSTOMER = {
    "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
    "realm": "customers",
    "username": "alice@example.com",
    "password": "a different directory",
}
MACHINE = {"grant_type": "client_credentials", "audience": TIMESHEETS}
# Nobody of the tenant. bench/fuzz.py has guessed at this name until it was blocked.
GUESS = ALICE | {"username": "guessed", "password": "wrong"}
TOO_LONG = {"padding": "x" * 17_000}


@dataclass(frozen=True, slots=True)
class Known:
    """What stands in a request in place of what was made up. body: None keeps it."""

    body: Params | None = None
    headers: Params = field(default_factory=dict)
    query: Params = field(default_factory=dict)


def live(kind: str, client_id: str = "demo-backend", age: int = 0) -> str:
    """Return the mark of a live token. age: 0 for the newest."""
    return f"live:{kind}:{client_id}:{age}"


def refresh(client_id: str, age: int = 0) -> Params:
    """Return the parameters of a refresh, beside the client's."""
    return {"grant_type": "refresh_token", "refresh_token": live("refresh_token", client_id, age)}


def _bearer(token: str) -> Params:
    return {"Authorization": f"Bearer {token}"}


# How each client comes to tokens.
LOGINS = {
    "demo-backend": Known(BACKEND | LOGIN),
    "demo-native": Known(NATIVE | LOGIN),
    "demo-basic": Known(LOGIN, BASIC),
    "demo-m2m": Known(M2M | MACHINE),
}
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

# By the operationId of docs/openapi.yaml.
REQUESTS = {
    "token": _TOKEN,
    "revoke": _OF_ONE_TOKEN,
    "introspect": _OF_ONE_TOKEN,
    "userinfo": _USERINFO,
    "userinfoHead": _USERINFO,
    "userinfoPost": [*_USERINFO, Known({"access_token": live("access_token")}), Known(TOO_LONG)],
}
EVERYWHERE_ELSE = _IN_QUERY
# What goes wrong late: in one parameter of a request that gets far.
NAMES = [
    "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "username", "password",
    "audience", "resource", "scope", "realm", "refresh_token", "token", "access_token",
]  # fmt: skip
ODD = [
    "", " ", "\x00", "\r\n", "%", "+", "&", "é", "e\u0301", "漢", "😀", "\u2028", "\ufffd", "a" * 400, "a" * 5000,
    "null", "[]", "{}", "../", "'", '"', "\\", "demo-m2m", "employees", "partners", "openid", "read:timesheets",
    TIMESHEETS, REPORTS, "password", "refresh_token", "client_credentials", "blocked",
    live("refresh_token", "demo-native"),
]  # fmt: skip
