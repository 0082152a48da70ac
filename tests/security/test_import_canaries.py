"""Rows of an import that are refused for their hash or secret: no report and no output tells it."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse

CANARY = "canary6f1d0c2e"
ENCODED = b64encode(CANARY.encode()).decode()
KEYCLOAK = {"hashIterations": 1000, "algorithm": "pbkdf2-sha256"}


def custom(algorithm: str, value: Any = CANARY, **more: Any) -> dict[str, Any]:
    encoding = "utf8" if algorithm in ("argon2", "bcrypt", "ldap", "pbkdf2") else "hex"
    return {"custom_password_hash": {"algorithm": algorithm, "hash": {"value": value, "encoding": encoding}} | more}


def credential(secret: Any, how: Any = KEYCLOAK, kind: str = "password") -> dict[str, Any]:
    texts = {"secretData": secret, "credentialData": how}
    written = {name: text if isinstance(text, str) else json.dumps(text) for name, text in texts.items()}
    return {"credentials": [{"type": kind} | written]}


ROWS: dict[str, list[dict[str, Any]]] = {
    "auth0": [
        {"password_hash": CANARY},
        {"password_hash": [CANARY]},
        {"password_hash": f"$2b$99${CANARY}"},
        {"password_hash": f"$argon2id$v=19$m={CANARY},t=2,p=1${CANARY}${CANARY}"},
        custom("md5"),
        custom("hmac"),
        custom("argon2"),
        custom("bcrypt"),
        custom("ldap", "{SHA}" + CANARY),
        custom("ldap", CANARY),
        custom("ldap", "{CRYPT}" + CANARY),
        custom("pbkdf2", f"$pbkdf2-sha256$i={CANARY}${CANARY}${CANARY}"),
        custom("scrypt", keylen=CANARY),
        custom("sha256", {"a": CANARY}),
        custom("sha256", "00" * 32, salt={"value": CANARY, "encoding": "hex"}),
        custom("sha256", "00" * 32, salt=CANARY),
        {"custom_password_hash": CANARY},
        {"mfa_factors": [{"totp": {"secret": CANARY}}]},
        {"mfa_factors": [{"totp": CANARY}]},
        {"mfa_factors": CANARY},
    ],
    "gatehouse": [
        {"password_history": [CANARY]},
        {"password_history": CANARY},
        {"recovery_code_hash": CANARY},
        {"mfa_factors": [{"totp": {"secret": "A" * 16}, "last_step": CANARY}]},
        {"factor_history": [CANARY]},
    ],
    "django": [
        {"password": CANARY},
        {"password": f"pbkdf2_sha256${CANARY}${CANARY}${CANARY}"},
        {"password": f"scrypt$3${CANARY}$8$1${CANARY}"},
        {"password": f"bcrypt_sha256$$2b$04${CANARY}"},
        {"password": {"a": CANARY}},
    ],
    "aspnet": [{"PasswordHash": CANARY}, {"PasswordHash": ENCODED}, {"PasswordHash": [CANARY]}],
    "firebase": [{"passwordHash": CANARY, "salt": CANARY}, {"passwordHash": ENCODED, "salt": ENCODED}],
    "keycloak": [
        credential(CANARY),
        credential({"value": CANARY, "salt": CANARY + "!"}),
        credential({"value": ENCODED, "salt": ENCODED}, {"algorithm": "pbkdf2", "hashIterations": 0}),
        credential({"value": ENCODED, "salt": ENCODED}, {"algorithm": "unheard-of", "hashIterations": 1}),
        credential({"value": CANARY}, {"digits": 8}, "otp"),
        credential(CANARY, {}, "otp"),
        {"credentials": [CANARY]},
    ],
}


def person(form: str, number: int) -> dict[str, Any]:
    """Return who a row is about, in the names of its form."""
    name, email = f"{form}{number}", f"{form}{number}@canaries.example"
    names: dict[str, dict[str, Any]] = {
        "auth0": {"user_id": name, "email": email},
        "gatehouse": {"user_id": f"auth0|{name}", "email": email},
        "django": {"id": number, "username": name, "email": email},
        "aspnet": {"Id": name, "UserName": name, "Email": email},
        "firebase": {"localId": name, "email": email},
        "keycloak": {"id": name, "username": name, "email": email},
    }
    return names[form]


@pytest.mark.parametrize("form", ROWS)
def test_hash_or_secret_of_a_refused_row_is_told_nowhere(
    stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    file, report, config = (tmp_path / name for name in ("people.json", "report", "config.json"))
    file.write_text(json.dumps([person(form, number) | row for number, row in enumerate(ROWS[form])]), "utf-8")
    config.write_text(
        json.dumps({"base64_signer_key": "AAAA", "base64_salt_separator": "Bw==", "rounds": 8, "mem_cost": 14})
    )
    options = ("--firebase-hash-config", str(config)) if form == "firebase" else ()
    ran = Gatehouse(stage, tmp_path).run(
        "users", "import", str(file), "--realm", "employees", "--format", form, "--report", str(report), *options
    )

    lines = report.read_text("utf-8")
    assert (ran.code, [json.loads(line)["row"] for line in lines.splitlines()]) == (3, [*range(1, len(ROWS[form]) + 1)])
    printed = capfd.readouterr()
    told = (ran.out + ran.err + lines + printed.out + printed.err).lower()
    assert [one for one in (CANARY, ENCODED.lower()) if one in told] == []
