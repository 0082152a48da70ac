"""People whom `gatehouse users import` brings from other servers log in by the hash that they had, and then by bcrypt.

moved_hashes.json names the maker of each hash: the tests that ASP.NET and Firebase publish, a Keycloak, Node's crypto
and npm's argon2. django_hashes.json was made by Django. None of these verifies here.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import BCRYPT_COST
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import change_protection
from tests.support.tables import table_names

TESTS = Path(__file__).parents[1]
OF_DJANGO = json.loads((TESTS / "flow" / "django_hashes.json").read_text("utf-8"))
VECTORS: list[dict[str, Any]] = [
    *json.loads((TESTS / "cli" / "moved_hashes.json").read_text("utf-8")),
    *({**vector, "format": "django", "hash": vector["django"]} for vector in OF_DJANGO),
]
# The project's parameters in the example of firebase/scrypt.
HASH_CONFIG = {
    "base64_signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    "base64_salt_separator": "Bw==",
    "rounds": 8,
    "mem_cost": 14,
}
OURS = f"$2b${BCRYPT_COST:02}$"


def row_of(form: str, name: str, hashed: Any) -> dict[str, Any]:
    """Return a person as an export of this form has them."""
    email = f"{name}@example.com"
    rows: dict[str, Callable[[], dict[str, Any]]] = {
        "aspnet": lambda: {"Id": name, "UserName": name, "Email": email, "PasswordHash": hashed},
        "django": lambda: {"pk": name, "fields": {"username": name, "email": email, "password": hashed}},
        "firebase": lambda: {"localId": name, "email": email, **hashed},
        "keycloak": lambda: {"id": name, "username": name, "email": email, "credentials": [hashed]},
    }
    return rows[form]()


@dataclass(frozen=True, slots=True)
class Mover:
    """Brings people by the command, from files of their own."""

    gatehouse: Gatehouse
    directory: Path

    @property
    def report(self) -> Path:
        return self.directory / "rejected.ndjson"

    def bring(self, form: str, name: str, hashed: Any) -> Ran:
        file, config = self.directory / "people.json", self.directory / "hash_config.json"
        file.write_text(json.dumps([row_of(form, name, hashed)]), "utf-8")
        config.write_text(json.dumps(HASH_CONFIG), "utf-8")
        options = ["--firebase-hash-config", str(config)] if form == "firebase" else []
        options += ["--realm", "employees", "--format", form, "--report", str(self.report)]
        return self.gatehouse.run("users", "import", str(file), *options)


@pytest.fixture(autouse=True)
def undetected(stage: Stage) -> Iterator[None]:
    """Let published passwords in, such as `password`: they are among the breached ones."""
    with change_protection(stage, breached_password_detection={"enabled": False}):
        yield


@pytest.fixture
def mover(shared: Gatehouse, tmp_path: Path) -> Mover:
    return Mover(shared, tmp_path)


@pytest.fixture
def bcrypts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The bcrypts that were made, those of a comparison and those of a new hash, by the library's names."""
    made: list[str] = []

    def counted(name: str) -> Callable[[bytes, bytes], Any]:
        work: Callable[[bytes, bytes], Any] = getattr(bcrypt, name)

        def count(secret: bytes, stored: bytes) -> Any:
            made.append(name)
            return work(secret, stored)

        return count

    for name in ("checkpw", "hashpw"):
        monkeypatch.setattr(bcrypt, name, counted(name))
    yield made


def log_in(http: Http, name: str, password: str) -> httpx.Response:
    return http.login(username=f"{name}@example.com", password=password)


def parts_of(hashed: Any, stored: str) -> set[str]:
    """Return what a thief could use: the salts and checksums as the export writes them and as they are stored."""
    texts = json.dumps(hashed).replace("\\", "").replace('"', "$").replace(":", "$").split("$") + stored.split("$")
    others = ("pbkdf2", "additionalParameters")
    return {text[:40].rstrip("=") for text in texts if len(text) > 15 and not text.startswith(others)}


@pytest.mark.parametrize(
    "number", range(len(VECTORS)), ids=[f"{one['format']}-{number}" for number, one in enumerate(VECTORS)]
)
def test_person_of_another_server_logs_in_by_the_old_hash_and_then_by_one_bcrypt(
    mover: Mover, http: Http, people: PeopleMaker, bcrypts: list[str], number: int
) -> None:
    vector, name, found = VECTORS[number], f"moved{number}", people.of("employees").find
    email = f"{name}@example.com"
    ran = mover.bring(vector["format"], name, vector["hash"])
    assert ran.code == 0, ran.out
    moved = found(email).password_hash
    wrong = log_in(http, name, vector["password"] + "x")
    still = found(email).password_hash
    first = log_in(http, name, vector["password"])
    then = found(email).password_hash
    bcrypts.clear()
    second = log_in(http, name, vector["password"])

    assert (wrong.json()["error"], first.status_code, second.status_code) == ("invalid_grant", 200, 200)
    assert still == moved
    assert not moved.startswith(OURS)
    assert then.startswith(OURS)
    assert bcrypts == ["checkpw"]
    told = ran.out + ran.err + mover.report.read_text("utf-8") + json.dumps(http.log)
    assert [part for part in parts_of(vector["hash"], moved) if part in told] == []
    assert found(email).password_hash == then


def test_signer_key_of_firebase_stands_nowhere_in_the_tables(mover: Mover, stage: Stage) -> None:
    vector = next(one for one in VECTORS if one["format"] == "firebase")
    assert mover.bring("firebase", "signed", vector["hash"]).code == 0
    tables = table_names(stage.clients.dynamodb, stage.prefix)
    stored = json.dumps(
        [stage.clients.dynamodb.scan(TableName=table)["Items"] for table in tables], default=lambda value: value.hex()
    )
    key = str(HASH_CONFIG["base64_signer_key"])

    assert "signed@example.com" in stored
    assert key.rstrip("=") not in stored
    assert b64decode(key).hex() not in stored
