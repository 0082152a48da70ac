"""The tenant file: every fault at once, each with its line and its mend, and no secret in any of them."""

import json
import traceback
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import ValidationError
from typer.testing import CliRunner

from infra.check import check, load_or_exit
from infra.faults import TenantFileError
from infra.tenant_file import TenantFile, load

DEMO = Path(__file__).parents[2] / "infra" / "demo-tenant.yaml"
CANARY = "c4n4ry-hunter2"
HASH = "$2b$04$" + "a" * 53

TENANT = "tenant: {friendly_name: T}\n"
REALMS = "realms:\n  - {name: staff, identifiers: [username, email]}\n  - {name: shop, identifiers: [email]}\n"
APIS = 'apis:\n  - {identifier: "https://api", name: A, scopes: [{value: read}, {value: write}]}\n'
BASE = TENANT + REALMS + APIS


def loaded(tmp_path: Path, text: str) -> TenantFile:
    path = tmp_path / "tenant.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def faults(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(TenantFileError) as caught:
        loaded(tmp_path, text)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return [(fault.line, fault.message) for fault in caught.value.faults]


def marked(text: str) -> int:
    """Return the number of the line that `# here` stands on."""
    return next(number for number, line in enumerate(text.split("\n"), 1) if "# here" in line)


def client(fields: str) -> str:
    return (
        BASE + "clients:\n  - client_id: app\n    name: App\n" + "".join(f"    {line}\n" for line in fields.split("\n"))
    )


def user(fields: str, realm: str = "staff") -> str:
    return BASE + f"users:\n  {realm}:\n    - {{{fields}}} # here\n"


def rsa_jwk(bits: int = 2048) -> dict[str, str]:
    public = rsa.generate_private_key(65537, bits).public_key()
    made = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {name: made[name] for name in ("kty", "n", "e")}


def ec_jwk(curve: ec.EllipticCurve | None = None) -> dict[str, str]:
    made = ECAlgorithm.to_jwk(ec.generate_private_key(curve or ec.SECP256R1()).public_key(), as_dict=True)
    return {name: made[name] for name in ("kty", "crv", "x", "y")}


def jwt_client(*keys: dict[str, str]) -> str:
    return client(
        f"grant_types: []\ntoken_endpoint_auth_method: private_key_jwt\njwks: {{keys: {json.dumps(keys)}}} # here"
    )


# The values


def test_demo_tenant_loads_whole() -> None:
    demo = load(DEMO)

    assert demo.tenant.default_directory == "employees"
    assert [realm.name for realm in demo.realms] == ["employees", "customers", "partners"]
    assert demo.realms[1].password_policy.history == 5
    assert [scope.value for scope in demo.apis[0].scopes][:2] == ["read:timesheets", "create:timesheets"]
    assert demo.apis[1].signing_alg == "ES256"
    assert [made.client_id for made in demo.clients if made.has_password_grant] == [
        "demo-backend",
        "demo-native",
        "demo-basic",
    ]
    assert demo.clients[0].client_secret == "demo-backend-secret"
    assert demo.clients[0].refresh_token.leeway == 0
    assert demo.client_grants[0].scope == ("read:timesheets",)
    assert demo.mfa.factors == ("otp", "sms", "email", "recovery-code")
    assert demo.attack_protection.suspicious_ip_throttling.allowlist == ("127.0.0.1",)
    assert [person.username for person in demo.users["employees"]] == ["alice", "blocked"]
    assert demo.users["employees"][0].app_metadata == {"roles": ["manager"]}


def test_sections_that_are_left_out_are_empty(tmp_path: Path) -> None:
    tenant_file = loaded(tmp_path, TENANT + REALMS)

    assert (tenant_file.apis, tenant_file.clients, tenant_file.client_grants, tenant_file.users) == ((), (), (), {})
    assert tenant_file.mfa.policy == "never"
    assert tenant_file.attack_protection.brute_force_protection.model_dump() == {
        "enabled": True,
        "mode": "count_per_identifier_and_ip",
        "max_attempts": 10,
        "block_lifetime": 2_592_000,
        "allowlist": (),
    }
    assert tenant_file.attack_protection.suspicious_ip_throttling.model_dump() == {
        "enabled": True,
        "max_attempts": 100,
        "rate": 864_000,
        "allowlist": (),
    }


def test_fields_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    text = client("grant_types: [password]") + "users:\n  shop:\n    - {email: a@b}\n"

    tenant_file = loaded(tmp_path, text)

    realm, api, app = tenant_file.realms[0], tenant_file.apis[0], tenant_file.clients[0]
    assert (realm.display_name, realm.password_policy.min_length, realm.password_policy.history) == ("staff", 8, 0)
    assert (api.signing_alg, api.token_lifetime, api.allow_offline_access) == ("RS256", 86_400, False)
    assert api.token_dialect == "rfc9068_profile"
    assert (app.token_endpoint_auth_method, app.client_secret, app.realms) == ("client_secret_post", None, ())
    assert app.refresh_token.model_dump() == {
        "rotation_type": "non-rotating",
        "leeway": None,
        "token_lifetime": 2_592_000,
        "infinite_token_lifetime": False,
        "idle_token_lifetime": 2_592_000,
        "infinite_idle_token_lifetime": False,
    }
    assert (tenant_file.users["shop"][0].blocked, tenant_file.users["shop"][0].app_metadata) == (False, {})


@pytest.mark.parametrize(
    ("policy", "idle_s"),
    [
        ("{token_lifetime: 3600}", 3600),
        ("{token_lifetime: 31557600}", 2_592_000),
        ("{token_lifetime: 3600, infinite_token_lifetime: true}", 2_592_000),
    ],
)
def test_idle_lifetime_that_is_left_out_fits_in_the_absolute_one(tmp_path: Path, policy: str, idle_s: int) -> None:
    tenant_file = loaded(tmp_path, client(f"grant_types: []\nrefresh_token: {policy}"))

    assert tenant_file.clients[0].refresh_token.idle_token_lifetime == idle_s


def test_idle_lifetime_beyond_an_infinite_one_loads(tmp_path: Path) -> None:
    policy = "{token_lifetime: 10, infinite_token_lifetime: true, idle_token_lifetime: 20}"

    assert loaded(tmp_path, client(f"grant_types: []\nrefresh_token: {policy}"))


def test_tenant_file_is_frozen(tmp_path: Path) -> None:
    tenant_file = loaded(tmp_path, BASE)

    with pytest.raises(ValidationError):
        tenant_file.realms[0].name = "other"


def test_byte_order_mark_and_windows_lines_load(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeff" + BASE.replace("\n", "\r\n")).realms[0].name == "staff"


@pytest.mark.parametrize("curve_or_rsa", [rsa_jwk(), ec_jwk() | {"alg": "ES256", "use": "sig", "kid": "k1"}])
def test_public_key_of_a_client_loads(tmp_path: Path, curve_or_rsa: dict[str, str]) -> None:
    jwks = loaded(tmp_path, jwt_client(curve_or_rsa)).clients[0].jwks

    assert jwks
    assert jwks.keys[0].model_dump(exclude_none=True) == curve_or_rsa


@pytest.mark.parametrize(
    "fields",
    [
        'username: "Ünïcode name", password: "correct horse"',
        f'username: al, password_hash: "{HASH}"',
        f'username: al, password_hash: "$2a$14${"." * 53}"',
        'email: "o\'hara+tag@example.co.uk", phone_number: "+14155550100", picture: "https://x/y.png"',
        "username: al, app_metadata: {deep: {list: [1, 2.5, null, true]}}",
    ],
)
def test_well_formed_user_loads(tmp_path: Path, fields: str) -> None:
    assert loaded(tmp_path, user(fields))


# Faults of the form

FORM = {
    "unknown section": (BASE + "realmz: []  # here\n", "unknown key `realmz`; did you mean `realms`?"),
    "unknown key": (
        TENANT + "realms:\n  - name: a\n    identifiers: [email]\n    zzz: 1  # here\n",
        "unknown key `zzz`; known are `name`, `display_name`, `identifiers`, `password_policy`",
    ),
    "unknown nested key": (
        client("grant_types: []\nrefresh_token:\n  rotation: rotating  # here"),
        "unknown key `rotation`; did you mean `rotation_type`?",
    ),
    "missing section": ("mfa: {policy: never}  # here\n" + REALMS, "`tenant` is missing: add it"),
    "missing key": (
        TENANT + REALMS + "apis:\n  - identifier: x  # here\n    scopes: []\n",
        "`name` is missing: add it",
    ),
    "no realms": (TENANT + "realms: []  # here\n", "`realms` must have 1 entry or more: add one"),
    "list for a mapping": (
        "tenant: [T]  # here\n" + REALMS,
        "`tenant` must be a mapping, but is a list: write `key: value` lines below it",
    ),
    "mapping for a list": (
        TENANT + REALMS + "apis: {identifier: x}  # here\n",
        "`apis` must be a list, but is a mapping: write `- value` lines below it, or [a, b]",
    ),
    "nothing for a list": (
        BASE + "clients:  # here\n",
        "`clients` must be a list, but is nothing: write a value, or take the key out",
    ),
    "text for an entry": (
        TENANT + REALMS + "apis:\n  - x  # here\n",
        "entry 1 of `apis` must be a mapping, but is text: write `key: value` lines below it",
    ),
    "wrong method": (
        client("grant_types: []\ntoken_endpoint_auth_method: basic  # here"),
        "`token_endpoint_auth_method` must be `client_secret_post`, `client_secret_basic`, `private_key_jwt` or `none`",
    ),
    "wrong factor": (
        BASE + "mfa:\n  factors:\n    - otp\n    - pigeon  # here\n",
        "entry 2 of `factors` must be `otp`, `sms`, `email` or `recovery-code`",
    ),
    "number for text": (
        client("grant_types: []\nclient_secret: 12345  # here"),
        "`client_secret` must be text, but is a number: put it in quotes",
    ),
    "boolean for text": (
        client("grant_types: []\nclient_secret: yes  # here"),
        "`client_secret` must be text, but is true/false: put it in quotes",
    ),
    "sexagesimal for text": (
        user("username: al, password: 12:30:45"),
        "`password` must be text, but is a number: put it in quotes",
    ),
    "date for text": (user("username: al, password: 2024-01-31"), "YAML reads this value as a date: put it in quotes"),
    "impossible date": (
        user("username: al, password: 2024-02-31"),
        "YAML reads this value as a date: put it in quotes",
    ),
    "list for text": (user("username: [al], email: a@b"), "`username` must be text, but is a list: write one value"),
    "text for a number": (
        BASE + 'attack_protection:\n  brute_force_protection:\n    max_attempts: "10"  # here\n',
        "`max_attempts` must be a whole number, but is text: write it in digits, without quotes",
    ),
    "boolean for a number": (
        BASE + "attack_protection:\n  suspicious_ip_throttling:\n    max_attempts: on  # here\n",
        "`max_attempts` must be a whole number, but is true/false: write it in digits, without quotes",
    ),
    "fraction for a number": (
        TENANT + "realms:\n  - {name: a, identifiers: [email], password_policy: {history: 1.5}}  # here\n",
        "`history` must be a whole number, but is a number: write it in digits, without quotes",
    ),
    "text for a boolean": (
        user('username: al, blocked: "no"'),
        "`blocked` must be true or false, but is text: write true or false, without quotes",
    ),
    "number too small": (
        TENANT + "realms:\n  - {name: a, identifiers: [email], password_policy: {min_length: 0}}  # here\n",
        "`min_length` must be 8 or more",
    ),
    "number too large": (
        TENANT + REALMS + "apis:\n  - {identifier: x, name: X, token_lifetime: 2592001}  # here\n",
        "`token_lifetime` must be 2592000 or less",
    ),
    "text too long": (
        f"tenant: {{friendly_name: {'x' * 101}}}  # here\n" + REALMS,
        "`friendly_name` must have 100 characters or fewer",
    ),
    "empty text": (
        client('grant_types: []\nclient_secret: ""  # here'),
        "`client_secret` must not be empty: write a value",
    ),
    "endless password": (
        user(f"username: al, password: {CANARY * 100}"),
        "`password` must have 1024 characters or fewer",
    ),
    "no identifiers": (
        TENANT + "realms:\n  - {name: a, identifiers: []}  # here\n",
        "`identifiers` must have 1 entry or more: add one",
    ),
    "too much metadata": (
        client("grant_types: []\nclient_metadata: {" + ", ".join(f"k{n}: v" for n in range(11)) + "}  # here"),
        "`client_metadata` must have 10 entries or fewer",
    ),
    "metadata of numbers": (
        client("grant_types: []\nclient_metadata:\n  tier: 1  # here"),
        "a value of `client_metadata` must be text, but is a number: put it in quotes",
    ),
    "metadata key too long": (
        client(f"grant_types: []\nclient_metadata:\n  {'k' * 256}: v  # here"),
        "a key of `client_metadata` must have 255 characters or fewer",
    ),
    "realm name": (
        TENANT + "realms:\n  - {name: Staff_1, identifiers: [email]}  # here\n",
        "`name` must be 1 to 63 characters of a-z, 0-9 and `-`, and not start with `-`",
    ),
    "realm name with a newline": (
        TENANT + 'realms:\n  - {name: "staff\\n", identifiers: [email]}  # here\n',
        "`name` must be 1 to 63 characters of a-z, 0-9 and `-`, and not start with `-`",
    ),
    "API identifier": (
        TENANT + REALMS + 'apis:\n  - {identifier: "https://api#frag", name: X}  # here\n',
        "`identifier` must be 1 to 600 printable ASCII characters without spaces and without `#`, best a URL",
    ),
    "scope characters": (
        TENANT + REALMS + "apis:\n  - {identifier: x, name: X, scopes: [{value: 'a\"b'}]}  # here\n",
        '`value` must be 1 to 280 printable ASCII characters without spaces, `"` and `\\` (RFC 6749 3.3)',
    ),
    "OIDC scope": (
        TENANT + REALMS + "apis:\n  - {identifier: x, name: X, scopes: [{value: openid}]}  # here\n",
        "`value` is a scope of OpenID Connect, which every client may ask for: give it another name",
    ),
    "allowlist": (
        BASE + "attack_protection:\n  suspicious_ip_throttling:\n    allowlist:\n      - 10.0.0.0/33  # here\n",
        "entry 1 of `allowlist` must be an IP address or a CIDR block, such as 192.0.2.7 or 192.0.2.0/24",
    ),
    "email": (
        user("email: nobody"),
        "`email` must look like name@example.com, without spaces, at most 254 characters",
    ),
    "username with an at sign": (
        user("username: al@x"),
        "`username` must be 1 to 128 characters without `@` and without control characters",
    ),
    "username of spaces": (
        user('username: "  "'),
        "`username` must be 1 to 128 characters without `@` and without control characters",
    ),
    "username with a control character": (
        user('username: "a\\x07b"'),
        "`username` must be 1 to 128 characters without `@` and without control characters",
    ),
    "phone number": (
        user('username: al, phone_number: "0041 44"'),
        '`phone_number` must be an E.164 number in quotes, such as "+14155550100"',
    ),
    "bcrypt cost": (
        user(f'username: al, password_hash: "$2b$15${"a" * 53}"'),
        "`password_hash` must be a bcrypt hash ($2a$, $2b$ or $2y$, 60 characters) of cost 04 to 14",
    ),
    "name with a control character": (
        client("grant_types: []").replace("name: App", 'name: "A\\e[31m"  # here'),
        "`name` must hold no control characters: take them out",
    ),
}


@pytest.mark.parametrize(("text", "message"), FORM.values(), ids=FORM)
def test_wrong_form_is_one_fault_with_line_and_mend(tmp_path: Path, text: str, message: str) -> None:
    assert faults(tmp_path, text) == [(marked(text), message)]


# Faults between the parts

CROSS = {
    "default directory": (
        "tenant:\n  friendly_name: T\n  default_directory: staf  # here\n" + REALMS,
        "realm `staf` does not exist; did you mean `staff`?",
    ),
    "default audience": (
        "tenant:\n  friendly_name: T\n  default_audience: zzz  # here\n" + REALMS,
        "API `zzz` does not exist; none is defined",
    ),
    "realm of a client": (
        client("grant_types: []\nrealms:\n  - staff\n  - zzz  # here"),
        "realm `zzz` does not exist; known are `staff`, `shop`",
    ),
    "realm of users": (
        BASE + "users:\n  zzz:  # here\n    - {username: al}\n",
        "realm `zzz` does not exist; known are `staff`, `shop`",
    ),
    "client of a grant": (
        BASE + 'client_grants:\n  - {client_id: app, audience: "https://api", scope: []}  # here\n',
        "client `app` does not exist; none is defined",
    ),
    "client of a grant without the grant type": (
        client("grant_types: [password]")
        + 'client_grants:\n  - {client_id: app, audience: "https://api", scope: []}  # here\n',
        "a client without the grant that client grants are for: add `client_credentials` to its `grant_types`, "
        "or take this client grant out",
    ),
    "API of a grant": (
        client("grant_types: [client_credentials]")
        + "client_grants:\n  - {client_id: app, audience: zzz, scope: []}  # here\n",
        "API `zzz` does not exist; known are `https://api`",
    ),
    "scope of a grant": (
        client("grant_types: [client_credentials]")
        + 'client_grants:\n  - client_id: app\n    audience: "https://api"\n    scope: [read, writ]  # here\n',
        "scope `writ` does not exist; did you mean `write`?",
    ),
    "realm twice": (
        TENANT + REALMS + "  - {name: staff, identifiers: [email]}  # here\n",
        "realm `staff` stands twice (first on line 3): take one out",
    ),
    "API twice": (
        BASE + '  - {identifier: "https://api", name: B}  # here\n',
        "API `https://api` stands twice (first on line 6): take one out",
    ),
    "client twice": (
        client("grant_types: []") + "  - {client_id: app, name: B, grant_types: []}  # here\n",
        "client `app` stands twice (first on line 8): take one out",
    ),
    "scope twice": (
        TENANT + REALMS + "apis:\n  - identifier: x\n    name: X\n    scopes: [{value: a}, {value: a}]  # here\n",
        "scope `a` stands twice (first on line 8): take one out",
    ),
    "client grant twice": (
        client("grant_types: [client_credentials]")
        + 'client_grants:\n  - {client_id: app, audience: "https://api", scope: []}\n'
        + '  - {client_id: app, audience: "https://api", scope: [read]}  # here\n',
        "client grant `app https://api` stands twice (first on line 12): take one out",
    ),
    "grant type twice": (
        client("grant_types: [password, password]  # here"),
        "in `grant_types`, `password` stands twice (first on line 10): take one out",
    ),
    "username twice": (
        BASE + 'users:\n  staff:\n    - username: Straße\n    - username: " STRASSE "  # here\n',
        "username `strasse` stands twice (first on line 9): take one out",
    ),
    "email twice": (
        BASE + "users:\n  shop:\n    - email: caf\u00e9@x\n    - email: CAFE\u0301@X  # here\n",
        "email `caf\u00e9@x` stands twice (first on line 9): take one out",
    ),
    "secret of a public client": (
        client("grant_types: []\ntoken_endpoint_auth_method: none\nclient_secret: s  # here"),
        "a public client (`token_endpoint_auth_method: none`) keeps no secret: take `client_secret` out",
    ),
    "trusted address of a public client": (
        client("grant_types: []\ntoken_endpoint_auth_method: none\nis_token_endpoint_ip_header_trusted: true  # here"),
        "the address that a public client forwards is never trusted: take this out, or choose another method",
    ),
    "client credentials of a public client": (
        client("token_endpoint_auth_method: none\ngrant_types:\n  - password\n  - client_credentials  # here"),
        "a public client may not have `client_credentials`: take it out, or choose another method",
    ),
    "second factor that nobody can have": (
        BASE + "mfa:\n  factors: [recovery-code]\n  policy: always  # here\n",
        "a second factor is always owed, and there is none to enroll: "
        "add `otp`, `sms` or `email` to `factors`, or write `policy: never`",
    ),
    "second factor without factors": (
        BASE + "mfa:\n  policy: always  # here\n",
        "a second factor is always owed, and there is none to enroll: "
        "add `otp`, `sms` or `email` to `factors`, or write `policy: never`",
    ),
    "no keys": (
        client("grant_types: []\ntoken_endpoint_auth_method: private_key_jwt").replace("app\n", "app  # here\n"),
        "`jwks` is missing, which private_key_jwt needs: add the client's public keys",
    ),
    "idle lifetime": (
        client("grant_types: []\nrefresh_token:\n  token_lifetime: 10\n  idle_token_lifetime: 20  # here"),
        "`idle_token_lifetime` is longer than the 10 seconds of `token_lifetime`: make it as long at most",
    ),
    "user without an identifier": (
        user("username: al", "shop"),
        "a user of realm `shop` is found by email: add `email`",
    ),
    "password and hash": (
        user(f'username: al, password: "correct horse", password_hash: "{HASH}"'),
        "`password` stands here too: take one of the two out",
    ),
    "password too short": (
        user('username: al, password: "e\u0301e\u0301e\u0301e\u0301"'),
        "`password` is shorter than the 8 characters of realm `staff`: write a longer one",
    ),
}


@pytest.mark.parametrize(("text", "message"), CROSS.values(), ids=CROSS)
def test_parts_at_odds_are_one_fault_with_line_and_mend(tmp_path: Path, text: str, message: str) -> None:
    assert faults(tmp_path, text) == [(marked(text), message)]


def test_secret_of_a_private_key_jwt_client_is_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()).replace(" # here", "") + "    client_secret: s  # here\n"

    message = "a client with private_key_jwt signs with its key: take `client_secret` out"
    assert faults(tmp_path, text) == [(marked(text), message)]


def test_keys_of_another_method_are_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()).replace("private_key_jwt", "client_secret_post")

    mend = "take `jwks` out, or write `token_endpoint_auth_method: private_key_jwt`"
    assert faults(tmp_path, text) == [(marked(text), f"only private_key_jwt has a use for keys: {mend}")]


PRIVATE = "is a private member of a key: keep public members only, and count this key as disclosed"
NO_RSA = "no valid RSA public key: copy its members anew, base64url without line breaks"
NO_EC = "no valid EC public key: copy its members anew, base64url without line breaks"
JWKS = {
    "private RSA": (rsa_jwk() | {"d": CANARY}, f"`d` {PRIVATE}"),
    "symmetric": (ec_jwk() | {"k": CANARY}, f"`k` {PRIVATE}"),
    "short RSA": (rsa_jwk(1024), "an RSA key of 1024 bits is too short: make one of 2048 bits or more"),
    "no RSA": (rsa_jwk() | {"n": "AQAB", "e": "AA"}, NO_RSA),
    "no base64": (rsa_jwk() | {"n": "é!"}, NO_RSA),
    "off the curve": (ec_jwk() | {"x": ec_jwk()["x"]}, NO_EC),
    "wrong alg": (
        ec_jwk() | {"alg": "RS256"},
        "an EC key here signs with ES256: write `alg: ES256`, or take `alg` out",
    ),
    "member missing": (
        {"kty": "RSA", "n": "AQAB"},
        "an RSA key needs `e`: add it from the client's public key",
    ),
    "foreign member": (ec_jwk() | {"n": "AQAB"}, "an EC key has no `n`: take it out"),
    "other curve": (ec_jwk(ec.SECP384R1()), "`crv` must be `P-256`"),
    "other kind": ({"kty": "OKP"}, "`kty` must be `RSA` or `EC`"),
    "encryption": (ec_jwk() | {"use": "enc"}, "`use` must be `sig`"),
}


@pytest.mark.parametrize(("key", "message"), JWKS.values(), ids=JWKS)
def test_unfit_key_of_a_client_is_refused(tmp_path: Path, key: dict[str, str], message: str) -> None:
    text = jwt_client(key)

    assert (marked(text), message) in faults(tmp_path, text)


def test_key_id_twice_is_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk() | {"kid": "a"}, ec_jwk() | {"kid": "a"})

    assert faults(tmp_path, text) == [
        (marked(text), f"key `a` stands twice (first on line {marked(text)}): take one out")
    ]


# Faults of the YAML

YAML = {
    "duplicate key": (
        BASE + "mfa:\n  policy: never\n  policy: always  # here\n",
        "duplicate key `policy` (first on line 8): take one out",
    ),
    "duplicate section": (BASE + "apis: []  # here\n", "duplicate key `apis` (first on line 5): take one out"),
    "anchor": (
        client("grant_types: &grants [password]  # here"),
        "anchors (&) and aliases (*) are not taken: write the value out, or put text that starts with & or * in quotes",
    ),
    "alias": (
        client(f"grant_types: []\nclient_secret: *{CANARY}  # here"),
        "anchors (&) and aliases (*) are not taken: write the value out, or put text that starts with & or * in quotes",
    ),
    "tag": (
        client(f"grant_types: []\nclient_secret: !{CANARY} x  # here"),
        "YAML tags (!) are not taken: take it out, or put text that starts with ! in quotes",
    ),
    "number as a key": (user("username: al, app_metadata: {1: x}"), "a key must be text: put this key in quotes"),
    "list as a key": (user("username: al, app_metadata: {? [a] : x}"), "a key must be text: put this key in quotes"),
    "infinity": (
        user("username: al, app_metadata: {x: .inf}"),
        "infinity and `.nan` are not taken: write a number, or put text in quotes",
    ),
    "endless number": (
        user(f"username: al, app_metadata: {{x: {'9' * 5000}}}"),
        "YAML cannot read this value as a number: put it in quotes",
    ),
    "digits without a number": (
        user("username: al, app_metadata: {x: 0x_}"),
        "YAML cannot read this value as a number: put it in quotes",
    ),
    "half a surrogate pair": (
        user('username: al, password: "12345678\\ud800"'),
        "half a surrogate pair is no text: write the character itself",
    ),
    "second document": (
        BASE + "---  # here\ntenant: {}\n",
        "a second YAML document starts here: a tenant file is one document, take the `---` out",
    ),
    "too deep": (BASE + f"users: {'[' * 100000}  # here\n", "nested deeper than 32 levels: make it flatter"),
    "control character": (
        BASE + "# \x07 here\n",
        "a control character stands here: take it out, or write it as an escape in double quotes",
    ),
    "escape of no character": (
        client(f'grant_types: []\nclient_secret: "{CANARY}\\UFFFFFFFF"  # here'),
        "not valid YAML: an escape stands for no character: correct its digits",
    ),
    "unknown escape": (
        client(f'grant_types: []\nclient_secret: "{CANARY}\\q"  # here'),
        'not valid YAML: a backslash escapes in "...": put the value in single quotes, where it does not',
    ),
    "tag handle": (
        client(f"grant_types: []\nclient_secret: !{CANARY}!x y  # here"),
        "not valid YAML: check the indentation, the colons and the quotes here",
    ),
    "tab": (
        BASE + "mfa:\n\tpolicy: never  # here\n",
        "not valid YAML: indent with spaces, never tabs, and put text that starts with @, %, ` in quotes",
    ),
    "special character": (
        client(f"grant_types: []\nclient_secret: @{CANARY}  # here"),
        "not valid YAML: indent with spaces, never tabs, and put text that starts with @, %, ` in quotes",
    ),
    "two colons": (
        client(f"grant_types: []\nclient_secret: {CANARY}: x  # here"),
        "not valid YAML: a colon too many here, or none before: put text with `: ` in quotes",
    ),
    "no space after the colon": (
        client(f"grant_types: []\nclient_secret:{CANARY}  # here\nrealms: []"),
        "not valid YAML: a key without its colon: write `key: value`, with a space after the colon",
    ),
    "open quote": (
        client(f'grant_types: []\nclient_secret: "{CANARY}  # here'),
        "not valid YAML: the quote that opens here is never closed: close it",
    ),
    "open list": (
        client("grant_types: [password  # here\nrealms: []"),
        "not valid YAML: the list that opens here is not closed: check the commas, and end it with ]",
    ),
    "open mapping": (
        client("grant_types: []\nrefresh_token: {leeway: 0  # here"),
        "not valid YAML: the mapping that opens here is not closed: check the commas, and end it with }",
    ),
    "indentation": (
        BASE + "mfa:\n    factors: []\n  policy: never  # here\n",
        "not valid YAML: check the indentation, the colons and the quotes here",
    ),
}


@pytest.mark.parametrize(("text", "message"), YAML.values(), ids=YAML)
def test_yaml_that_is_not_taken_is_one_fault_with_line_and_mend(tmp_path: Path, text: str, message: str) -> None:
    line = marked(text.replace("\x07 here", "# here"))

    assert faults(tmp_path, text) == [(line, message)]


def test_alias_bomb_is_refused_without_being_expanded(tmp_path: Path) -> None:
    levels = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))

    found = faults(tmp_path, BASE + "users:\n  a0: &a0 [x]\n" + levels)

    assert all(line > 6 for line, _ in found)
    assert "anchors (&) and aliases (*) are not taken" in found[0][1] + found[1][1]


# The file itself


@pytest.mark.parametrize("text", ["", "\n", "# nothing but a comment\n", "---\n", "null\n"])
def test_empty_file_names_what_it_needs(tmp_path: Path, text: str) -> None:
    [(line, message)] = faults(tmp_path, text)

    assert line == 1
    assert message.startswith("the file is empty: write `tenant:`, `realms:`, `apis:`")


@pytest.mark.parametrize("text", ["- tenant\n", "tenant\n", "5\n", "[]\n"])
def test_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    [(line, message)] = faults(tmp_path, text)

    assert line == 1
    assert message.startswith("the file is no mapping: write `tenant:`, `realms:`")


def test_missing_file_is_named_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError) as caught:
        load(tmp_path / "none.yaml")

    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: no such file: check the path"


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError, match=r": a directory: name the tenant file in it$"):
        load(tmp_path)


def test_unreadable_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError, match=r": not readable \(Not a directory\): check the path$"):
        load(Path("/dev/null/tenant.yaml"))
    with pytest.raises(TenantFileError, match=r": not readable \(bad path\): check the path$"):
        load(tmp_path / "a\0b")


def test_file_without_read_permission_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    # The tests may run as root, to whom no file is closed.
    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(TenantFileError, match=r": not readable: give yourself the right to read it$"):
        load(tmp_path / "tenant.yaml")


def test_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_bytes(BASE.encode() + b"# caf\xe9 " + CANARY.encode())

    with pytest.raises(TenantFileError) as caught:
        load(path)

    assert str(caught.value) == f"{path}:{BASE.count(chr(10)) + 1}: not UTF-8: save the file in that encoding"
    assert caught.value.__context__ is None


def test_file_over_five_mebibytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_bytes(b"#" * (5 * 1024 * 1024 + 1))

    with pytest.raises(TenantFileError, match=r": larger than 5 MiB: import the users instead of listing them here$"):
        load(path)


# All at once

MANY = f"""\
tenant:
  friendly_nam: T
  default_directory: nowhere
realms:
  - name: staff
    identifiers: [username]
    identifiers: [email]
    password_policy: {{min_length: 20}}
  - name: Shop
    identifiers: [email]
clients:
  - client_id: app
    client_secret: {CANARY}
    token_endpoint_auth_method: none
    grant_types: [implicit]
    realms: [nowhere]
client_grants:
  - {{client_id: ap, audience: zzz, scope: []}}
users:
  staff:
    - {{username: al, password: {CANARY}}}
    - {{username: AL, password: 5}}
colour: blue
"""


def test_faults_of_every_kind_arrive_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    grants = faults(tmp_path, BASE + "clients:\n  - {client_id: x, name: X, grant_types: [x]}\n")[0][1].partition(
        "must"
    )[2]

    assert faults(tmp_path, MANY) == [
        (1, "`friendly_name` is missing: add it"),
        (2, "unknown key `friendly_nam`; did you mean `friendly_name`?"),
        (3, "realm `nowhere` does not exist; known are `staff`, `Shop`"),
        (7, "duplicate key `identifiers` (first on line 6): take one out"),
        (9, "`name` must be 1 to 63 characters of a-z, 0-9 and `-`, and not start with `-`"),
        (12, "`name` is missing: add it"),
        (13, "a public client (`token_endpoint_auth_method: none`) keeps no secret: take `client_secret` out"),
        (15, f"entry 1 of `grant_types` must{grants}"),
        (16, "realm `nowhere` does not exist; known are `staff`, `Shop`"),
        (18, "API `zzz` does not exist; none is defined"),
        (18, "client `ap` does not exist; did you mean `app`?"),
        (21, "`password` is shorter than the 20 characters of realm `staff`: write a longer one"),
        (22, "`password` must be text, but is a number: put it in quotes"),
        (22, "username `al` stands twice (first on line 21): take one out"),
        (
            23,
            "unknown key `colour`; known are `tenant`, `realms`, `apis`, `clients`, `client_grants`, `mfa`, "
            "`attack_protection`, `users`",
        ),
    ]


def test_mistyped_section_does_not_fault_those_who_refer_to_it(tmp_path: Path) -> None:
    text = client("grant_types: []\nrealms: [staff]").replace("realms:\n", "realmz:\n", 1)

    assert faults(tmp_path, text) == [
        (1, "`realms` is missing: add it"),
        (2, "unknown key `realmz`; did you mean `realms`?"),
    ]


def test_section_with_an_unreadable_name_does_not_fault_those_who_refer_to_it(tmp_path: Path) -> None:
    text = TENANT + "realms:\n  - {name: 5, identifiers: [email]}  # here\nusers:\n  five: []\n"

    assert faults(tmp_path, text) == [(marked(text), "`name` must be text, but is a number: put it in quotes")]


# Secrets

SECRETS = {
    "number of faults around": client(f"client_secret: {CANARY}\nzzz: 1"),
    "key for a secret": client(f"grant_types: []\nclient_secret: {{{CANARY}: x}}"),
    "list for a secret": client(f"grant_types: []\nclient_secret: [{CANARY}]"),
    "too long": client(f"grant_types: []\nclient_secret: {CANARY * 100}"),
    "no space in a flow mapping": user(f"username: al, password:{CANARY}"),
    "comma for a colon": user(f"username: al, password, {CANARY}"),
    "comma for a colon twice": user(f"username: al, {CANARY}, {CANARY}"),
    "short password": TENANT
    + "realms:\n  - {name: staff, identifiers: [username], password_policy: {min_length: 100}}\n"
    + f"users:\n  staff:\n    - {{username: al, password: {CANARY}}}\n",
    "hash": user(f"username: al, password_hash: {CANARY}"),
    "password in the wrong place": user(f"username: al, blocked: {CANARY}, app_metadata: {CANARY}, email: {CANARY}"),
    "secret as method": client(f"grant_types: [{CANARY}]\ntoken_endpoint_auth_method: {CANARY}"),
    "secret in the keys": jwt_client(rsa_jwk() | {"n": CANARY, "p": CANARY}),
    "duplicate": client(f"grant_types: []\nclient_secret: {CANARY}\nclient_secret: {CANARY}"),
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_fault_shows_a_secret(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(TenantFileError) as caught:
        load(path)

    error: BaseException | None = caught.value
    assert CANARY not in "".join(traceback.format_exception(error))
    assert CANARY not in repr(error)
    assert error is not None and error.__context__ is None and error.__cause__ is None


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    text = client(f"grant_types: []\nclient_secret: {CANARY}")
    text += f"users:\n  staff:\n    - {{username: al, password: {CANARY}}}\n"
    text += f'    - {{username: bo, password_hash: "{HASH}"}}\n'

    tenant_file = loaded(tmp_path, text)

    assert CANARY not in repr(tenant_file) + str(tenant_file)
    assert HASH not in repr(tenant_file) + str(tenant_file)


def test_name_that_a_terminal_obeys_is_shown_harmless(tmp_path: Path) -> None:
    text = 'tenant: {friendly_name: T, default_directory: "\\e[2J\\nx"}\n' + REALMS

    assert faults(tmp_path, text) == [(1, "realm `?[2J?x` does not exist; known are `staff`, `shop`")]


# Whatever stands in the file

WORDS = [
    "tenant",
    "realms",
    "clients",
    "users",
    "name",
    "jwks",
    "password",
    "5",
    "~",
    "true",
    "2024-01-01",
    "&a",
    "*a",
    "!t",
]
PIECES = st.sampled_from([*WORDS, *"[]{}\n\"'\\#|>?%@\ufeff\u2028é", "- ", ": ", ", ", "  "])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 5000), length=st.integers(0, 200), put=st.lists(PIECES, max_size=8))
def test_any_damage_to_the_demo_loads_or_has_faults_with_lines(
    tmp_path: Path, start: int, length: int, put: list[str]
) -> None:
    demo = DEMO.read_text(encoding="utf-8")
    text = demo[:start] + "".join(put) + demo[start + length :]
    path = tmp_path / "tenant.yaml"
    path.write_text(text, encoding="utf-8")

    try:
        load(path)
    except TenantFileError as error:
        last = text.count("\n") + text.count("\u2028") + 1
        assert all(1 <= fault.line <= last and "\n" not in fault.message for fault in error.faults)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def paths(value: object, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for step, item in inner for path in paths(item, (*here, step)))]


FULL = {
    "tenant": {"friendly_name": "T", "default_directory": "staff", "default_audience": "x"},
    "realms": [{"name": "staff", "identifiers": ["email"], "password_policy": {"min_length": 8}}],
    "apis": [{"identifier": "x", "name": "X", "scopes": [{"value": "read"}]}],
    "clients": [
        {
            "client_id": "app",
            "name": "App",
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"],
            "jwks": {"keys": [ec_jwk()]},
            "realms": ["staff"],
            "refresh_token": {"token_lifetime": 10, "idle_token_lifetime": 5},
            "client_metadata": {"tier": "gold"},
        }
    ],
    "client_grants": [{"client_id": "app", "audience": "x", "scope": ["read"]}],
    "attack_protection": {"brute_force_protection": {"allowlist": ["::1"]}},
    "users": {"staff": [{"email": "a@b", "password": "12345678", "app_metadata": {"a": [1]}}]},
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(paths(FULL)), value=JSON_VALUES)
def test_any_value_in_any_place_loads_or_has_faults(tmp_path: Path, path: tuple[str | int, ...], value: object) -> None:
    changed = json.loads(json.dumps({"file": FULL}))
    parent = changed
    steps = ("file", *path)
    for step in steps[:-1]:
        parent = parent[step]
    parent[steps[-1]] = value

    try:
        loaded(tmp_path, json.dumps(changed["file"]))
    except TenantFileError as error:
        assert error.faults


# The command

app = typer.Typer()
app.command()(check)


def test_checked_demo_is_fine_and_names_who_sends_passwords() -> None:
    result = CliRunner().invoke(app, [str(DEMO)])

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{DEMO}: fine\n")
    assert "employees" in result.stdout and "https://api.example.com/reports" in result.stdout
    words = "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: "
    assert f"{words}demo-backend, demo-native, demo-basic\n" in result.stdout
    assert result.stderr == ""


def test_checked_file_without_password_grants_has_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(BASE, encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 0
    assert "RFC 9700" not in result.stdout


MISSING_MFA_GRANT = "With `mfa.policy: always` nobody logs in through a client without an MFA grant. "


@pytest.mark.parametrize(
    ("grant_types", "mfa", "is_warned"),
    [
        ("[password]", "{policy: always, factors: [otp]}", True),
        ('["http://auth0.com/oauth/grant-type/password-realm"]', "{policy: always, factors: [sms]}", True),
        ('[password, "http://auth0.com/oauth/grant-type/mfa-otp"]', "{policy: always, factors: [otp]}", False),
        ("[client_credentials]", "{policy: always, factors: [otp]}", False),
        ("[password]", "{policy: never, factors: [otp]}", False),
    ],
)
def test_client_that_can_show_no_second_factor_is_warned_of_where_each_login_owes_one(
    tmp_path: Path, grant_types: str, mfa: str, is_warned: bool
) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(client(f"grant_types: {grant_types}") + f"mfa: {mfa}\n", encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 0
    assert (f"{MISSING_MFA_GRANT}Clients that have none: app\n" in result.stdout) == is_warned


def test_checked_file_with_faults_prints_each_to_stderr_and_exits_2(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text("tenant: {friendly_name: T}\nrealmz: []\n", encoding="utf-8")

    result = CliRunner().invoke(app, [str(path)])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"{path}:1: `realms` is missing: add it\n{path}:2: unknown key `realmz`; did you mean `realms`?\n"
    )


def test_name_with_markup_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(client("grant_types: [password]").replace("id: app", 'id: "[bold]app"'), encoding="utf-8")

    assert CliRunner().invoke(app, [str(path)]).stdout.count("[bold]app") == 2


def test_load_or_exit_returns_a_fine_file_and_leaves_at_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_or_exit(DEMO) == load(DEMO)
    with pytest.raises(typer.Exit) as left:
        load_or_exit(Path("/nowhere/tenant.yaml"))
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == "/nowhere/tenant.yaml: no such file: check the path\n"
