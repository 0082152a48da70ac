"""People of a stage that the revision before filled go on with what they have."""

import httpx
import pytest

from chalicelib.model.clock import SystemClock
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault
from infra.errors import OperatorError
from infra.stage.people import People
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import Http
from tests.support.mfa import App, mfa_token_of, with_oob, with_otp, with_recovery_code
from tests.support.tokens import claims_of
from tests.upgrade.conftest import OFFLINE
from tests.upgrade.filled import Filled

PLAIN = ("plain", "imported", "odd", "shared-employees", "shared-customers", "changed", "revoked")


def login(http: Http, filled: Filled, who: str) -> httpx.Response:
    said = filled.said[who]
    return http.realm_login(said["realm"], username=said["name"], password=said["password"], scope=OFFLINE)


def sub_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(claims_of(answer)["sub"])


@pytest.mark.parametrize("who", PLAIN)
def test_person_of_before_logs_in_and_refreshes(http: Http, filled: Filled, who: str) -> None:
    answer = login(http, filled, who)

    assert sub_of(answer) == filled.said[who]["user_id"]
    assert sub_of(http.refresh(answer.json()["refresh_token"])) == filled.said[who]["user_id"]


@pytest.mark.parametrize("who", [who for who in (*PLAIN, "app") if who != "changed"])
def test_refresh_token_of_before_is_taken_again_and_again(http: Http, filled: Filled, who: str) -> None:
    answer = http.refresh(filled.said[who]["refresh_token"])

    assert sub_of(answer) == filled.said[who]["user_id"]
    assert sub_of(http.refresh(answer.json()["refresh_token"])) == filled.said[who]["user_id"]


def test_superseded_refresh_token_of_before_ends_its_family(http: Http, filled: Filled) -> None:
    said = filled.said["plain"]

    assert http.refresh(said["superseded"]).status_code == 400
    assert http.refresh(said["refresh_token"]).status_code == 400
    assert sub_of(http.refresh(said["native"], {"client_id": "demo-native"})) == said["user_id"]


def test_revoked_and_blocked_of_before_stay_so(http: Http, filled: Filled) -> None:
    assert http.refresh(filled.said["revoked"]["revoked"]).status_code == 400
    assert http.refresh(filled.said["barred"]["refresh_token"]).json()["error"] in ("invalid_grant", "unauthorized")
    assert login(http, filled, "barred").json()["error"] == "unauthorized"


def test_pending_login_of_before_is_completed_by_the_app_once(http: Http, filled: Filled, clock: Clock) -> None:
    said = filled.said["app"]
    answer = with_otp(http, said["mfa_token"], App(said["totp"], clock).code())

    assert sub_of(answer) == said["user_id"]
    assert sub_of(http.refresh(answer.json()["refresh_token"])) == said["user_id"]
    assert with_otp(http, said["mfa_token"], App(said["totp"], clock).code(30)).status_code == 400


def test_app_and_recovery_code_of_before_complete_new_logins(http: Http, filled: Filled, clock: Clock) -> None:
    said = filled.said["app"]

    assert sub_of(with_otp(http, mfa_token_of(login(http, filled, "app")), App(said["totp"], clock).code()))
    assert sub_of(with_recovery_code(http, mfa_token_of(login(http, filled, "app")), said["recovery_code"]))


def test_code_that_was_sent_before_completes_its_login(http: Http, filled: Filled) -> None:
    said = filled.said["phone"]

    assert sub_of(with_oob(http, said["mfa_token"], said["oob_code"], said["binding_code"])) == said["user_id"]


def test_app_that_was_enrolled_before_is_confirmed(http: Http, filled: Filled, clock: Clock) -> None:
    said = filled.said["halfway"]

    assert sub_of(with_otp(http, said["mfa_token"], App(said["totp"], clock).code())) == said["user_id"]


def test_link_of_before_lets_in_again(http: Http, filled: Filled) -> None:
    said = filled.said["guessed"]

    assert http.post("/u/unblock", data={"ticket": said["ticket"]}).status_code == 200
    assert login(http.at("198.51.100.9"), filled, "guessed").status_code == 200


def test_tools_know_the_people_and_their_former_passwords(filled: Filled) -> None:
    customers = People.of(filled.stage, "customers", BCRYPT_COST)

    assert len(list(customers.records.all())) == 17
    assert customers.find("changed@example.com").email == "changed@example.com"
    with pytest.raises(OperatorError, match="one of the last 5"):
        customers.set_password(customers.find("changed@example.com"), filled.said["changed"]["former"])


def test_tools_list_and_end_the_families_of_before(http: Http, filled: Filled) -> None:
    said, employees = filled.said["plain"], People.of(filled.stage, "employees", BCRYPT_COST)
    user = employees.find("plain")

    assert [family.client_id for family in employees.live_families(user)] == ["demo-backend", "demo-native"]
    assert employees.end_families(user) == 2
    assert http.refresh(said["refresh_token"]).status_code == 400
    assert employees.live_families(employees.find("plain")) == []
    assert not [item for item in filled.items("sessions") if said["user_id"] in item["pk"]["S"]]


def test_namesake_in_another_realm_keeps_its_own_families(http: Http, filled: Filled) -> None:
    mine, other = filled.said["shared-employees"], filled.said["shared-customers"]
    employees = People.of(filled.stage, "employees", BCRYPT_COST)
    employees.delete(employees.find(mine["user_id"]))

    assert http.refresh(mine["refresh_token"]).status_code == 400
    assert sub_of(http.refresh(other["refresh_token"])) == other["user_id"]


def test_settings_of_rules_of_before_open(filled: Filled) -> None:
    vault = Vault(filled.stage.aws, "before")

    assert RuleSettings(filled.stage.config(), vault, SystemClock()).read() == {"GREETING": "hello"}
