"""Clients and APIs of Node, unchanged, against a local run."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.support import verified
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, local_run
from tests.support.node import manage_by_node, node
from tests.support.people import PASSWORD
from tests.support.tenant_documents import demo_document, write

WRONG = ["invalid_grant", "Wrong email or password."]


def sub(run: LocalProcess, token: dict[str, Any]) -> str:
    """Return the person of an access token, verified."""
    return str(verified(run, token["access_token"], TIMESHEETS)["sub"]).partition("|")[0]


def test_node_auth0_logs_in_refreshes_and_revokes(tls_run: LocalProcess) -> None:
    said = node(tls_run.url, "auth0", NODE_EXTRA_CA_CERTS=tls_run.ca_file)

    assert {said[name]["token_type"] for name in ("login", "refreshed")} == {"Bearer"}
    assert said["login"]["refresh_token"] != said["refreshed"]["refresh_token"]
    assert (said["over"], said["wrong"]) == ("invalid_grant", [400, *WRONG])


def test_openid_client_discovers_logs_in_refreshes_and_revokes(run: LocalProcess) -> None:
    said = node(run.url, "openid-client")

    assert [sub(run, said[name]) for name in ("login", "refreshed", "byBasic")] == [
        "customers",
        "customers",
        "employees",
    ]
    assert said["seen"]["sub"].startswith("customers|")
    assert (said["over"], said["wrong"]) == ("invalid_grant", [400, *WRONG])


def test_oauth4webapi_logs_in_and_holds_the_token_to_rfc_9068(run: LocalProcess) -> None:
    said = node(run.url, "oauth4webapi")

    assert [sub(run, said[name]) for name in ("byPost", "byBasic")] == ["customers", "employees"]
    assert (said["claims"]["client_id"], said["claims"]["scope"]) == (BACKEND["client_id"], said["byPost"]["scope"])


def test_simple_oauth2_logs_in_refreshes_and_revokes(run: LocalProcess) -> None:
    said = node(run.url, "simple-oauth2")

    assert [sub(run, said[name]) for name in ("login", "refreshed", "byBasic")] == [
        "customers",
        "customers",
        "employees",
    ]
    assert (said["over"], [said["wrong"][name] for name in ("error", "error_description")]) == ("invalid_grant", WRONG)


def test_auth0_auth_js_logs_in_and_refreshes(tls_run: LocalProcess) -> None:
    said = node(tls_run.url, "auth0-auth-js", NODE_EXTRA_CA_CERTS=tls_run.ca_file)

    assert said["login"]["accessToken"].startswith("eyJ")
    assert said["refreshed"]["accessToken"] != said["login"]["accessToken"]
    assert said["wrong"] == WRONG


@pytest.fixture(scope="module")
def owing_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run over HTTPS that asks everybody for a second factor, with one person who has none."""
    directory, document = tmp_path_factory.mktemp("owing"), demo_document()
    document["mfa"]["policy"] = "always"
    document["users"] = {"employees": [{"username": "app", "email": "app@example.com", "password": PASSWORD}]}
    with local_run(directory, "--tenant", write(directory, document), "--tls", "--aws-port", "0") as started:
        yield started


def test_auth0_auth_js_enrols_an_app_and_shows_its_code_and_the_recovery_code(owing_run: LocalProcess) -> None:
    said = node(owing_run.url, "auth0-auth-js-mfa", NODE_EXTRA_CA_CERTS=owing_run.ca_file, PASSWORD=PASSWORD)

    assert said["first"] == [True, {"enroll": [{"type": "otp"}, {"type": "phone"}, {"type": "email"}]}]
    assert said["wrong"] == ["invalid_grant", "Invalid otp_code."]
    assert said["later"] == {"challenge": [{"type": "otp"}, {"type": "recovery-code"}]}
    assert (said["listed"], said["challenge"]) == (["otp", "recovery-code"], "otp")
    assert said["tokens"].startswith("eyJ")
    assert said["recovered"][0].startswith("eyJ")
    assert said["recovered"][1]


def test_node_auth0_and_auth0_auth_js_sign_up_and_ask_for_a_new_password(tls_run: LocalProcess) -> None:
    said = node(tls_run.url, "database", NODE_EXTRA_CA_CERTS=tls_run.ca_file)
    text = "We've just sent you an email to reset your password."

    assert (said["older"]["email"], said["older"]["email_verified"]) == ("older@example.com", False)
    assert said["older"]["user_metadata"] == {"plan": "free"}
    assert (said["newer"]["email"], said["newer"]["emailVerified"]) == ("newer@example.com", False)
    assert [len(said["older"]["_id"]), len(said["newer"]["id"])] == [24, 24]
    assert (said["taken"], said["takenOlder"]) == (["invalid_signup", 400], ["invalid_signup", 400])
    assert said["weak"] == ["invalid_password", 400]
    assert said["mailed"] == [text, text]


def test_apis_of_node_take_an_access_token_and_nothing_else(run: LocalProcess) -> None:
    login = {"grant_type": "password", **BACKEND, "username": "alice", "password": "correct horse battery staple"}
    wanted = {"audience": TIMESHEETS, "scope": "openid read:timesheets"}
    tokens = httpx.post(f"{run.url}oauth/token", data={**login, **wanted}, timeout=WAIT_S).json()
    said = node(run.url, "api", ACCESS_TOKEN=tokens["access_token"], ID_TOKEN=tokens["id_token"])
    statuses = [status for status, _ in said["asked"]]

    assert statuses == [200, 403, 401, 401, 401]
    assert [challenge is not None and challenge.startswith("Bearer") for _, challenge in said["asked"]] == [
        False,
        True,
        True,
        True,
        True,
    ]
    assert said["sub"].startswith("employees|")
    assert said["refused"] == "ERR_JWT_CLAIM_VALIDATION_FAILED"


def test_node_auth0_manages_people(tls_run: LocalProcess) -> None:
    manage_by_node(tls_run.url, tls_run.ca_file)
