"""`gatehouse users import` with second factors: people who come log in with the app, phone or email that they had."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from pyotp import TOTP

from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import challenge, mfa_token_of, with_otp, with_recovery_code

PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
TEN_BYTES, TWENTY_BYTES = "JBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RECOVERY_CODE = "RECOVERYCODEOFELSEWHERE1"


class Short(TOTP):
    """pyotp's maker of codes, which refuses secrets under 16 bytes otherwise."""

    def byte_secret(self) -> bytes:
        return base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))


def code_of(secret: str, clock: Clock) -> str:
    return Short(secret).at(int(clock()))


def bring(shared: Gatehouse, tmp_path: Path, row: dict[str, Any], *options: str) -> Ran:
    file = tmp_path / "people.json"
    file.write_text(json.dumps([row]), "utf-8")
    return shared.run("users", "import", str(file), "--realm", "employees", "--json", *options)


def person(username: str, *factors: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "email": f"{username}@example.com",
        "username": username,
        "user_id": username,
        "password_hash": HASH,
        "mfa_factors": list(factors),
    } | more


def log_in(http: Http, name: str) -> str:
    return mfa_token_of(http.login(username=name, password=PASSWORD))


@pytest.mark.parametrize("secret", [TEN_BYTES, TWENTY_BYTES])
def test_code_of_the_app_that_a_person_had_completes_the_login(
    shared: Gatehouse, http: Http, clock: Clock, tmp_path: Path, secret: str
) -> None:
    name = f"app{len(secret)}"
    ran = bring(shared, tmp_path, person(name, {"totp": {"secret": secret}}))

    assert (ran.code, json.loads(ran.out)["inserted"]) == (0, 1)
    assert with_otp(http, log_in(http, name), code_of(secret, clock)).status_code == 200
    assert with_otp(http, log_in(http, name), "000000").status_code in (400, 429)


def test_phone_and_email_are_asked_for_and_get_codes(shared: Gatehouse, http: Http, tmp_path: Path) -> None:
    factors = {"phone": {"value": "+14155550123"}}, {"email": {"value": "moved@example.com"}}
    assert bring(shared, tmp_path, person("phones", *factors)).code == 0
    answer = http.login(username="phones", password=PASSWORD)
    kinds = {one["type"] for one in answer.json()["mfa_requirements"]["challenge"]}
    asked = challenge(http, mfa_token_of(answer), challenge_type="oob")

    assert kinds == {"phone", "email"}
    assert (asked.status_code, asked.json()["challenge_type"]) == (200, "oob")


def test_sealed_secret_stands_nowhere_in_the_tables(shared: Gatehouse, tmp_path: Path) -> None:
    bring(shared, tmp_path, person("sealed", {"totp": {"secret": TWENTY_BYTES}}))
    table = f"{shared.stage.prefix}users-employees"
    stored = json.dumps(shared.stage.clients.dynamodb.scan(TableName=table)["Items"], default=str)

    assert "mfa#auth0|sealed" in stored
    assert TWENTY_BYTES not in stored


def test_recovery_code_of_an_export_of_gatehouse_works_once(
    shared: Gatehouse, http: Http, clock: Clock, tmp_path: Path
) -> None:
    hashed = hashlib.sha256(RECOVERY_CODE.encode()).hexdigest()
    row = person("recovered", {"totp": {"secret": TEN_BYTES}}, recovery_code_hash=hashed, user_id="auth0|recovered")
    assert bring(shared, tmp_path, row, "--format", "gatehouse").code == 0
    answers = [with_recovery_code(http, log_in(http, "recovered"), RECOVERY_CODE) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 400]


def test_person_of_keycloak_keeps_the_app(shared: Gatehouse, http: Http, clock: Clock, tmp_path: Path) -> None:
    data = {"subType": "totp", "digits": 6, "period": 30, "algorithm": "HmacSHA1", "secretEncoding": "BASE32"}
    otp = {"type": "otp", "secretData": json.dumps({"value": TWENTY_BYTES}), "credentialData": json.dumps(data)}
    digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt salt", 1000)
    value = {"value": base64.b64encode(digest).decode(), "salt": base64.b64encode(b"salt salt").decode()}
    how = {"hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {}}
    password = {"type": "password", "secretData": json.dumps(value), "credentialData": json.dumps(how)}
    row = {"username": "cloaked", "email": "cloaked@example.com", "createdTimestamp": 1_700_000_000_000}
    ran = bring(shared, tmp_path, row | {"credentials": [password, otp]}, "--format", "keycloak")

    assert ran.code == 0, ran.out
    assert with_otp(http, log_in(http, "cloaked"), code_of(TWENTY_BYTES, clock)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"mfa_factors": []}, "mfa_factors", "ARRAY_LENGTH_SHORT"),
        ({"mfa_factors": [{"totp": {"secret": "n0t base32"}}]}, "mfa_factors.0.totp.secret", "PATTERN"),
        (
            {"mfa_factors": [{"phone": {"value": "+14155550123"}, "last_step": 7}]},
            "mfa_factors.0.last_step",
            "NOT_PASSED",
        ),
        ({"recovery_code_hash": "ab" * 32}, "recovery_code_hash", "NOT_PASSED"),
        ({"factor_history": []}, "factor_history", "NOT_PASSED"),
    ],
)
def test_factors_that_auth0s_form_does_not_have_are_reported(
    shared: Gatehouse, tmp_path: Path, changes: dict[str, Any], field: str, code: str
) -> None:
    report = tmp_path / "report"
    row = {"email": "refused@example.com", "password_hash": HASH} | changes
    ran = bring(shared, tmp_path, row, "--format", "auth0", "--report", str(report))
    (line,) = [json.loads(one) for one in report.read_text("utf-8").splitlines()]

    assert (ran.code, line["row"], line["field"], line["code"]) == (3, 1, field, code)


def test_upsert_leaves_the_factors_that_are_there(shared: Gatehouse, tmp_path: Path) -> None:
    bring(shared, tmp_path, person("kept", {"phone": {"value": "+14155550123"}}))
    ran = bring(shared, tmp_path, person("kept", {"totp": {"secret": TWENTY_BYTES}}, name="Kept"), "--upsert")
    people = People.of(shared.stage, "employees")
    user = people.find("auth0|kept")

    assert json.loads(ran.out)["updated"] == 1
    assert (user.name, user.multifactor) == ("Kept", "sms")
