"""The faults of a tenant file: every fault at once, each with its line and its mend."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.tenant_text import (
    BASE,
    CANARY,
    HASH,
    REALMS,
    TENANT,
    client,
    ec_jwk,
    faults,
    jwt_client,
    marked_line,
    rsa_jwk,
    user,
)

# Faults of the form

FORM = {
    "unknown section": (BASE + "realmz: []  # here\n", "unknown key `realmz`; did you mean `realms`?"),
    "unknown key": (
        TENANT + "realms:\n  - name: a\n    identifiers: [email]\n    zzz: 1  # here\n",
        "unknown key `zzz`; known are `name`, `aliases`, `display_name`, `identifiers`, `password_policy`, `signup`, "
        "`password_reset`, "
        "`result_hosts`, `import_from`",
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
    "age that is no age": (
        BASE + "mfa:\n  factors: [otp]\n  manage_max_age: 59  # here\n",
        "`manage_max_age` must be 60 or more",
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
    "username with an invisible character": (
        user('username: "a\\u200bb"'),
        "`username` must hold no characters that show as nothing, such as U+200B: take them out",
    ),
    "email with an invisible character": (
        user('email: "a@exam\\xADple.com"'),
        "`email` must hold no characters that show as nothing, such as U+200B: take them out",
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
    assert faults(tmp_path, text) == [(marked_line(text), message)]


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
        "API `zzz` does not exist; known are `https://api`, `management`",
    ),
    "scope of the Management API": (
        client("grant_types: [client_credentials]")
        + "client_grants:\n  - client_id: app\n    audience: management\n    scope: [read:user]  # here\n",
        "scope `read:user` does not exist; did you mean `read:users`?",
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
    assert faults(tmp_path, text) == [(marked_line(text), message)]


def test_secret_of_a_private_key_jwt_client_is_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()).replace(" # here", "") + "    client_secret: s  # here\n"

    message = "a client with private_key_jwt signs with its key: take `client_secret` out"
    assert faults(tmp_path, text) == [(marked_line(text), message)]


def test_keys_of_another_method_are_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()).replace("private_key_jwt", "client_secret_post")

    mend = "take `jwks` out, or write `token_endpoint_auth_method: private_key_jwt`"
    assert faults(tmp_path, text) == [(marked_line(text), f"only private_key_jwt has a use for keys: {mend}")]


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
def test_unfit_key_of_a_client_is_refused(tmp_path: Path, key: dict[str, object], message: str) -> None:
    text = jwt_client(key)

    assert (marked_line(text), message) in faults(tmp_path, text)


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("value", [CANARY, [CANARY], {"r": CANARY}, None], ids=["text", "list", "mapping", "null"])
def test_private_member_of_a_key_is_refused_in_any_form(tmp_path: Path, name: str, value: object) -> None:
    text = jwt_client(rsa_jwk() | {name: value})

    assert faults(tmp_path, text) == [(marked_line(text), f"`{name}` {PRIVATE}")]


@pytest.mark.parametrize("key_ops", [["encrypt"], ["sign"], [], ["VERIFY"], "sign", None, {"verify": 1}], ids=str)
def test_key_for_another_use_is_refused(tmp_path: Path, key_ops: object) -> None:
    text = jwt_client(ec_jwk() | {"key_ops": key_ops})
    message = "the key is for another use: `key_ops` must hold `verify`, or be left out"

    assert faults(tmp_path, text) == [(marked_line(text), message)]


@pytest.mark.parametrize("alg", ["ES256", "RS512"])
def test_alg_that_an_rsa_key_cannot_have_is_refused(tmp_path: Path, alg: str) -> None:
    text = jwt_client(rsa_jwk() | {"alg": alg})
    message = "an RSA key here signs with RS256 or PS256: write `alg: RS256`, or take `alg` out"

    assert (marked_line(text), message) in faults(tmp_path, text)


def test_strict_audience_of_another_method_is_refused(tmp_path: Path) -> None:
    text = client("grant_types: []\nstrict_audience: true  # here")
    message = "only private_key_jwt has an audience: take `strict_audience` out"

    assert faults(tmp_path, text) == [(marked_line(text), message)]


def test_key_id_twice_is_refused(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk() | {"kid": "a"}, ec_jwk() | {"kid": "a"})

    assert faults(tmp_path, text) == [
        (marked_line(text), f"key `a` stands twice (first on line {marked_line(text)}): take one out")
    ]


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
        (18, "API `zzz` does not exist; known are `management`"),
        (18, "client `ap` does not exist; did you mean `app`?"),
        (21, "`password` is shorter than the 20 characters of realm `staff`: write a longer one"),
        (22, "`password` must be text, but is a number: put it in quotes"),
        (22, "username `al` stands twice (first on line 21): take one out"),
        (
            23,
            "unknown key `colour`; known are `tenant`, `realms`, `apis`, `clients`, `client_grants`, `roles`, "
            "`mfa`, `attack_protection`, `keys`, `events`, `users`",
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

    assert faults(tmp_path, text) == [(marked_line(text), "`name` must be text, but is a number: put it in quotes")]
