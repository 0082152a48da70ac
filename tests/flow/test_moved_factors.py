"""Second factors that come with a person from another server, at a login through HTTP."""

import hashlib
import hmac
import struct
from base64 import b32decode
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.errors import ServerError
from chalicelib.model.account import Account
from chalicelib.model.enrolment import Enrolment
from chalicelib.model.storage import Change
from chalicelib.store.configuration.vault import Vault, unseal
from chalicelib.store.dynamo import put_write, update_of, update_write
from chalicelib.store.people.enrolments import enrolment_values
from chalicelib.store.people.items import credentials_key
from infra.move.people.factors import FactorSealer
from infra.move.people.faults import RowFault
from infra.stage.aws import Stage
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import mfa_token_of, with_otp, with_recovery_code
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules

RECOVERY_CODE = "A" * 24
TEN_BYTES = "2PRXZWUX2WA2UL6F"
NINE_BYTES = "2PRXZWZAYYDAWCD"
TWENTY_BYTES = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def ask_the_enrolled(user: Any, context: Any) -> None:
    """Ask everybody who has a second factor for it."""
    if user.multifactor:
        context.multifactor = {"provider": "any"}


def code_of(secret: str, at: int) -> str:
    """Return the code of a secret, as RFC 4226 5.3 and RFC 6238 4.2 compute it."""
    key = b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", at // 30), "sha1")
    (number,) = struct.unpack_from(">I", mac, mac[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, ask_the_enrolled) as client:
        yield client


@pytest.fixture
def sealer(stage: Stage) -> FactorSealer:
    key = Vault(stage.aws, stage.name).new_shared_key()
    return FactorSealer(lambda: key, 1_700_000_000)


def read(sealer: FactorSealer, factors: Any, **row: Any) -> Enrolment:
    return sealer.read({"mfa_factors": factors, **row}, Account("employees", "auth0|ada"))


def move(people: PeopleMaker, sealer: FactorSealer, row: dict[str, Any]) -> str:
    """Make a person with the factors of a row, and return the username."""
    user, table = people.make(), people.of("employees").records.table
    enrolment = sealer.read(row, Account("employees", user.user_id))
    kinds = update_of(Change({"multifactor": enrolment.kinds}))
    people.stage.dynamo.commit(
        (put_write(table, enrolment_values(enrolment, 1)), update_write(credentials_key(table, user.user_id), kinds)),
    )
    return user.username


@pytest.mark.parametrize("secret", [NINE_BYTES, TEN_BYTES, TWENTY_BYTES])
def test_code_of_a_moved_app_completes_the_login_once(
    http: Http, clock: Clock, people: PeopleMaker, sealer: FactorSealer, secret: str
) -> None:
    username = move(people, sealer, {"mfa_factors": [{"totp": {"secret": secret}}]})
    code = code_of(secret, int(clock()))

    first = with_otp(http, mfa_token_of(http.login(username=username)), code)
    second = with_otp(http, mfa_token_of(http.login(username=username)), code)

    assert (first.status_code, second.status_code) == (200, 400)


def test_wrong_code_of_a_moved_app_is_refused(
    http: Http, clock: Clock, people: PeopleMaker, sealer: FactorSealer
) -> None:
    username = move(people, sealer, {"mfa_factors": [{"totp": {"secret": TEN_BYTES}}]})

    answer = with_otp(http, mfa_token_of(http.login(username=username)), code_of(TEN_BYTES, int(clock()) + 300))

    refusal = {"error": "invalid_grant", "error_description": "Invalid otp_code."}
    assert (answer.status_code, answer.json()) == (400, refusal)


def test_moved_phone_and_email_are_offered(http: Http, people: PeopleMaker, sealer: FactorSealer) -> None:
    factors = [{"phone": {"value": "+14155550100"}}, {"email": {"value": "ada@example.com"}}]
    username = move(people, sealer, {"mfa_factors": factors})

    asked = http.login(username=username).json()["mfa_requirements"]["challenge"]

    assert {one["type"] for one in asked} == {"phone", "email"}


def test_moved_recovery_code_completes_the_login(http: Http, people: PeopleMaker, sealer: FactorSealer) -> None:
    hashed = hashlib.sha256(RECOVERY_CODE.encode()).hexdigest()
    row = {"mfa_factors": [{"totp": {"secret": TEN_BYTES}}], "recovery_code_hash": hashed}
    username = move(people, sealer, row)

    answer = with_recovery_code(http, mfa_token_of(http.login(username=username)), RECOVERY_CODE)

    assert answer.status_code == 200


def test_secret_of_one_person_opens_for_nobody_else(stage: Stage, sealer: FactorSealer) -> None:
    vault, enrolment = Vault(stage.aws, stage.name), read(sealer, [{"totp": {"secret": TEN_BYTES}}])
    (device,) = enrolment.authenticators
    ada, eve = (f"employees#auth0|{name}" for name in ("ada", "eve"))

    assert unseal(vault.open_key(enrolment.data_key, ada), device.secret, f"{ada}#{device.authenticator_id}") == (
        TEN_BYTES
    )
    with pytest.raises(ServerError):
        unseal(vault.open_key(enrolment.data_key, eve), device.secret, f"{ada}#{device.authenticator_id}")


@pytest.mark.parametrize(
    ("factors", "field", "code"),
    [
        ("x", "mfa_factors", "INVALID_TYPE"),
        ([], "mfa_factors", "ARRAY_LENGTH_SHORT"),
        ([{"phone": {"value": "+14155550100"}}] * 11, "mfa_factors", "ARRAY_LENGTH_LONG"),
        (["x"], "mfa_factors.0", "OBJECT_REQUIRED"),
        ([{}], "mfa_factors.0", "ANY_OF_MISSING"),
        ([{"phone": {"value": "+14155550100"}, "email": {"value": "a@b.c"}}], "mfa_factors.0", "NOT_PASSED"),
        ([{"totp": "x"}], "mfa_factors.0.totp", "OBJECT_REQUIRED"),
        ([{"totp": {}}], "mfa_factors.0.totp.secret", "INVALID_TYPE"),
        ([{"totp": {"secret": "not base32!"}}], "mfa_factors.0.totp.secret", "PATTERN"),
        ([{"totp": {"secret": "2PRXZWUX2WA2UL6F===="}}], "mfa_factors.0.totp.secret", "PATTERN"),
        ([{"totp": {"secret": "MFRGG"}}], "mfa_factors.0.totp.secret", "MIN_LENGTH"),
        ([{"totp": {"secret": "A" * 208}}], "mfa_factors.0.totp.secret", "MAX_LENGTH"),
        ([{"phone": {"value": "4155550100"}}], "mfa_factors.0.phone.value", "PATTERN"),
        ([{"email": {"value": "ada"}}], "mfa_factors.0.email.value", "FORMAT"),
    ],
)
def test_unfit_factors_are_refused_by_field_and_code(sealer: FactorSealer, factors: Any, field: str, code: str) -> None:
    with pytest.raises(RowFault) as refused:
        read(sealer, factors)

    assert (refused.value.field, refused.value.code) == (field, code)
    assert "2PRX" not in refused.value.message


def test_row_without_factors_has_an_empty_enrolment(sealer: FactorSealer) -> None:
    enrolment = sealer.read({"email": "ada@example.com"}, Account("employees", "auth0|ada"))

    assert (enrolment.kinds, enrolment.authenticators, enrolment.history) == ("", (), ())
