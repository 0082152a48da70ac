"""docs/run/incidents: the commands of each page, run word for word and in their order on the emulator."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from chalicelib import wiring
from infra.stage.people import People
from tests.cli.conftest import Gatehouse
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import Http
from tests.support.stages import client_of
from tests.support.tenant_documents import SMALL_API, client, small_document

INCIDENTS = Path(__file__).parents[2] / "docs" / "run" / "incidents"
# Over what the config cache keeps, with what lies between the real clock of commands and the handler's.
LATER_S = 661
SECRET = "the long secret of the backend"
ALICE = {"username": "alice", "password": "correct horse battery staple"}
DOCUMENT = small_document(
    tenant={"friendly_name": "Incident", "default_directory": "employees"},
    realms=[{"name": "employees", "identifiers": ["username", "email"]}],
    apis=[{"identifier": SMALL_API, "name": "Small", "allow_offline_access": True}],
    clients=[
        client(
            client_id="demo-backend",
            client_secret=SECRET,
            realms=["employees"],
            grant_types=["password", "refresh_token"],
        )
    ],
)


@pytest.fixture
def own(gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> Gatehouse:
    """The command, on a stage with the client and the person of the pages, in the folder of its tenant file."""
    gatehouse.provision(DOCUMENT)
    People.of(gatehouse.stage, "employees", BCRYPT_COST).add(ALICE["password"], None, username=ALICE["username"])
    (gatehouse.directory / "tenant.yaml").rename(gatehouse.directory / "my-tenant.yaml")
    monkeypatch.chdir(gatehouse.directory)
    return gatehouse


def commands_of(page: str) -> list[str]:
    """Return the commands of a page; the first names the stage, for which the tests have another."""
    first, *commands = re.findall(r"^ {4}(\S.+)$", (INCIDENTS / f"{page}.md").read_text("utf-8"), re.MULTILINE)
    assert first == "export GATEHOUSE_STAGE=dev"
    return commands


def follow(own: Gatehouse, page: str, kid: str) -> str:
    """Run the commands of a page, with a kid for its KID, and return all that they printed."""
    printed = ""
    for line in commands_of(page):
        program, *words = shlex.split(line.replace("KID", kid))
        # The project of a clone lists the stage dev; this one lists the test's.
        ran = own.run(*words, *(own.listed() if words[0] == "apply" else ()))
        assert (program, ran.code) == ("gatehouse", 0), f"{line}: {ran.err}"
        printed += ran.out
    return printed


def log_in(http: Http, secret: str = SECRET) -> dict[str, str]:
    scope = {"scope": "offline_access", "audience": SMALL_API}
    body: dict[str, str] = http.token(sent_by(secret) | ALICE | scope | {"grant_type": "password"}).json()
    return body


def sent_by(secret: str) -> dict[str, str]:
    return {"client_id": "demo-backend", "client_secret": secret}


def refresh(http: Http, token: str, secret: str) -> dict[str, str]:
    sent = sent_by(secret) | {"grant_type": "refresh_token", "refresh_token": token}
    body: dict[str, str] = http.token(sent).json()
    return body


def current_kid(own: Gatehouse) -> str:
    (kid,) = (key.kid for key in own.stage.config().keys().keys if key.status == "current")
    return kid


def of_leaked_secret(http: Http, before: dict[str, str], printed: str) -> None:
    (secret,) = re.findall(r"[\w-]{43}", printed)
    assert log_in(http)["error"] == "invalid_client"
    assert refresh(http, before["refresh_token"], secret)["error"] == "invalid_grant"
    assert "access_token" in log_in(http, secret)


def of_leaked_key(http: Http, before: dict[str, str], printed: str) -> None:
    leaked = jwt.get_unverified_header(before["access_token"])["kid"]
    published = {key["kid"] for key in http.get("/.well-known/jwks.json").json()["keys"]}
    assert leaked not in published
    assert jwt.get_unverified_header(log_in(http)["access_token"])["kid"] in published
    assert "access_token" in refresh(http, before["refresh_token"], SECRET)


def of_ended_tokens(http: Http, before: dict[str, str], printed: str) -> None:
    assert refresh(http, before["refresh_token"], SECRET)["error"] == "invalid_grant"
    assert "access_token" in log_in(http)


def of_nothing_changed(http: Http, before: dict[str, str], printed: str) -> None:
    assert "access_token" in refresh(http, before["refresh_token"], SECRET)


OUTCOMES: dict[str, Callable[[Http, dict[str, str], str], None]] = {
    "client-secret": of_leaked_secret,
    "signing-key": of_leaked_key,
    "operator-credentials": of_ended_tokens,
    "table": of_ended_tokens,
    "log": of_nothing_changed,
}


def test_each_incident_page_has_its_outcome() -> None:
    assert {page.stem for page in INCIDENTS.iterdir()} == set(OUTCOMES)


@pytest.mark.parametrize("page", OUTCOMES)
def test_page_followed_word_for_word_does_what_it_says(
    own: Gatehouse, externals: wiring.Externals, clock: Clock, page: str
) -> None:
    with client_of(own.stage, externals) as http:
        before = log_in(http)
        printed = follow(own, page, current_kid(own))
        clock.advance(LATER_S)
        OUTCOMES[page](http, before, printed)
