"""The tenant file: what it loads as, no secret in a fault or a repr, and faults for whatever else stands in it."""

import json
import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from tests.support.tenant_text import (
    BASE,
    CANARY,
    DEMO,
    HASH,
    REALMS,
    TENANT,
    client,
    ec_jwk,
    faults,
    jwt_client,
    load_text,
    rsa_jwk,
    user,
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
    tenant_file = load_text(tmp_path, TENANT + REALMS)

    assert (tenant_file.apis, tenant_file.clients, tenant_file.client_grants, tenant_file.users) == ((), (), (), {})
    assert tenant_file.mfa.policy == "never"
    assert tenant_file.mfa.manage_max_age == 900
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

    tenant_file = load_text(tmp_path, text)

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
    tenant_file = load_text(tmp_path, client(f"grant_types: []\nrefresh_token: {policy}"))

    assert tenant_file.clients[0].refresh_token.idle_token_lifetime == idle_s


def test_idle_lifetime_beyond_an_infinite_one_loads(tmp_path: Path) -> None:
    policy = "{token_lifetime: 10, infinite_token_lifetime: true, idle_token_lifetime: 20}"

    assert load_text(tmp_path, client(f"grant_types: []\nrefresh_token: {policy}"))


def test_tenant_file_is_frozen(tmp_path: Path) -> None:
    tenant_file = load_text(tmp_path, BASE)

    with pytest.raises(ValidationError):
        tenant_file.realms[0].name = "other"


def test_byte_order_mark_and_windows_lines_load(tmp_path: Path) -> None:
    assert load_text(tmp_path, "\ufeff" + BASE.replace("\n", "\r\n")).realms[0].name == "staff"


@pytest.mark.parametrize("curve_or_rsa", [rsa_jwk(), ec_jwk() | {"alg": "ES256", "use": "sig", "kid": "k1"}])
def test_public_key_of_a_client_loads(tmp_path: Path, curve_or_rsa: dict[str, str]) -> None:
    jwks = load_text(tmp_path, jwt_client(curve_or_rsa)).clients[0].jwks

    assert jwks
    assert jwks.keys[0].model_dump(exclude_none=True) == curve_or_rsa


# As Web Crypto, OpenSSL's wrappers and certificate tools write a public key.
UNNEEDED: dict[str, object] = {
    "key_ops": ["verify"],
    "ext": True,
    "x5c": ["MIIC..."],
    "x5t": "abc",
    "x5t#S256": "abc",
    "x5u": "https://keys.example/cert.pem",
    "iat": 1_800_000_000,
    "n_bits": 2048,
    "oops": {"nested": [None]},
}


@pytest.mark.parametrize("key", [rsa_jwk() | {"kid": "k", "alg": "PS256"}, ec_jwk() | {"use": "sig"}])
@pytest.mark.parametrize("unneeded", [UNNEEDED, *({name: UNNEEDED[name]} for name in UNNEEDED)], ids=", ".join)
def test_members_of_a_key_that_nobody_needs_are_dropped(
    tmp_path: Path, key: dict[str, str], unneeded: dict[str, object]
) -> None:
    jwks = load_text(tmp_path, jwt_client({**key, **unneeded})).clients[0].jwks

    assert jwks
    assert jwks.model_dump(exclude_none=True) == {"keys": (key,)}


def test_strict_audience_of_a_client_loads(tmp_path: Path) -> None:
    text = jwt_client(ec_jwk()) + "    strict_audience: true\n"

    assert load_text(tmp_path, text).clients[0].strict_audience
    assert not load_text(tmp_path, jwt_client(ec_jwk())).clients[0].strict_audience


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
    assert load_text(tmp_path, user(fields))


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

    tenant_file = load_text(tmp_path, text)

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
        load_text(tmp_path, json.dumps(changed["file"]))
    except TenantFileError as error:
        assert error.faults
