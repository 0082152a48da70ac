"""Blocks, second factors and refresh tokens of people through the Management API (contract.md, "Management API")."""

from typing import Any

import pytest

from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.http import Http
from tests.support.management import Backend, refusal
from tests.support.people import PASSWORD, PeopleMaker


def block(http: Http, username: str) -> None:
    """Fail ten logins, which block the account from this address."""
    for _ in range(10):
        http.login(username=username, password="wrong")
    assert http.login(username=username, password=PASSWORD).status_code == 429


def test_blocked_person_is_seen_and_let_in_again(backend: Backend, people: PeopleMaker) -> None:
    user, path = people.make(), "/user-blocks"
    assert backend.get(f"{path}/{user.user_id}") == {"blocked_for": []}
    block(backend.http, user.username)

    (seen,) = backend.get(f"{path}/{user.user_id}")["blocked_for"]
    assert seen == {"identifier": user.username, "ip": backend.http.source_ip, "connection": "employees"}
    assert backend.get(path, identifier=user.email.upper()) == {"blocked_for": [seen]}
    assert backend.send("DELETE", f"{path}/{user.user_id}").status_code == 204
    assert backend.get(f"{path}/{user.user_id}") == {"blocked_for": []}
    assert backend.http.login(username=user.username, password=PASSWORD).status_code == 200


def test_block_is_lifted_by_an_identifier(backend: Backend, people: PeopleMaker) -> None:
    user = people.make()
    block(backend.http, user.username)

    assert backend.send("DELETE", "/user-blocks", params={"identifier": user.username}).status_code == 204
    assert backend.http.login(username=user.username, password=PASSWORD).status_code == 200
    assert (backend.http.log[-2]["event"], backend.http.log[-2]["user"]) == ("sapi", user.user_id)


def test_lift_by_an_identifier_names_everybody_in_the_log(backend: Backend, people: PeopleMaker) -> None:
    user = people.make()
    other = people.make("customers", email=user.email)
    backend.send("DELETE", "/user-blocks", params={"identifier": user.email})

    line = backend.http.log[-1]
    assert line["event"] == "sapi"
    assert {*line["user"].split(", ")} == {user.user_id, other.user_id}


def test_blocked_false_lifts_the_blocks_of_who_is_not_blocked_too(backend: Backend, people: PeopleMaker) -> None:
    user = people.make()
    block(backend.http, user.username)

    assert backend.send("PATCH", f"/users/{user.user_id}", json={"blocked": False}).status_code == 200
    assert backend.http.login(username=user.username, password=PASSWORD).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_blocks_of_nobody_are_404(backend: Backend, method: str) -> None:
    for path in ("/user-blocks/employees|nobody", "/user-blocks?identifier=nobody@example.com"):
        assert refusal(backend.send(method, path)) == (404, "inexistent_user")
    assert refusal(backend.send(method, "/user-blocks")) == (400, "invalid_query_string")


def test_throttled_address_is_200_and_another_one_404(backend: Backend, people: PeopleMaker) -> None:
    attacker = backend.http.at("203.0.113.77")
    path = "/anomaly/blocks/ips/203.0.113.77"
    assert refusal(backend.send("GET", path)) == (404, "not_found")
    for number in range(100):
        attacker.login(username=f"stranger{number}", password="wrong")

    seen = backend.send("GET", path)
    assert (seen.status_code, seen.content) == (200, b"")
    assert backend.send("DELETE", path).status_code == 204
    assert refusal(backend.send("GET", path)) == (404, "not_found")
    assert backend.send("DELETE", path).status_code == 204


@pytest.mark.parametrize("address", ["x", "1.2.3", "%00", "::g"])
def test_other_text_than_an_address_is_400(backend: Backend, address: str) -> None:
    assert refusal(backend.send("GET", f"/anomaly/blocks/ips/{address}")) == (400, "invalid_query_string")


def test_refresh_tokens_are_listed_and_ended(backend: Backend, people: PeopleMaker) -> None:
    user = people.make()
    login = {"username": user.username, "password": PASSWORD, "scope": "offline_access read:timesheets"}
    tokens = [backend.http.login(**login).json()["refresh_token"] for _ in range(3)]
    listed = backend.get(f"/users/{user.user_id}/refresh-tokens")["tokens"]
    sessions = backend.get(f"/users/{user.user_id}/sessions")["sessions"]

    assert len(listed) == len(sessions) == 3
    assert {one["client_id"] for one in listed} == {"demo-backend"}
    assert [one["id"] for one in listed] == [one["id"] for one in sessions]
    assert not any(token in str(listed) for token in tokens)
    first = backend.get(f"/users/{user.user_id}/refresh-tokens", take=2)
    rest = backend.get(f"/users/{user.user_id}/refresh-tokens", take=2, **{"from": first["next"]})
    assert [*first["tokens"], *rest["tokens"]] == listed
    assert "next" not in rest
    assert backend.send("DELETE", f"/users/{user.user_id}/refresh-tokens").status_code == 204
    assert backend.get(f"/users/{user.user_id}/refresh-tokens") == {"tokens": []}
    assert {backend.http.refresh(token).json()["error"] for token in tokens} == {"invalid_grant"}


def test_sessions_end_the_same(backend: Backend, people: PeopleMaker) -> None:
    user = people.make()
    token = backend.http.login(username=user.username, password=PASSWORD, scope="offline_access").json()

    assert backend.send("DELETE", f"/users/{user.user_id}/sessions").status_code == 204
    assert backend.http.refresh(token["refresh_token"]).json()["error"] == "invalid_grant"


def enrol(http: Http, username: str) -> dict[str, Any]:
    """Enrol an authenticator app as its owner does, unconfirmed."""
    scope = "enroll read:authenticators"
    audience = "https://login.example.com/mfa/"
    token = http.login(username=username, password=PASSWORD, audience=audience, scope=scope).json()["access_token"]
    made = http.post(
        "/mfa/associate",
        json={"authenticator_types": ["otp"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.status_code == 200, made.text
    body: dict[str, Any] = made.json()
    return body


def test_second_factors_are_seen_and_removed(backend: Backend, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    path = f"/users/{user.user_id}"
    assert [backend.get(f"{path}/{name}") for name in ("authenticators", "authentication-methods", "enrollments")] == [
        [],
        [],
        [],
    ]
    secret = enrol(backend.http, user.username)["secret"]
    (shown,) = backend.get(f"{path}/authenticators")
    methods = backend.get(f"{path}/authentication-methods", include_totals="true")
    (enrollment,) = backend.get(f"{path}/enrollments")

    assert (shown["authenticator_type"], shown["active"]) == ("otp", False)
    assert [(one["type"], one["confirmed"]) for one in methods["authenticators"]] == [("totp", False)]
    assert (enrollment["status"], enrollment["auth_method"]) == ("pending", "authenticator")
    assert secret not in str([shown, methods, enrollment])
    assert refusal(backend.send("POST", f"{path}/recovery-code-regeneration")) == (400, "invalid_body")
    assert backend.send("DELETE", f"{path}/authenticators").status_code == 204
    assert backend.get(f"{path}/authenticators") == []


def test_new_recovery_code_takes_the_place_of_the_old_one(backend: Backend, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    factors = SecondFactors.of(stage, "employees")
    first = factors.enroll(factors.find_session(user.user_id))["recovery_codes"][0]
    code = backend.send("POST", f"/users/{user.user_id}/recovery-code-regeneration").json()["recovery_code"]
    mfa_token = backend.http.login(username=user.username, password=PASSWORD).json()["mfa_token"]
    grant = {"grant_type": "http://auth0.com/oauth/grant-type/mfa-recovery-code", "mfa_token": mfa_token}
    statuses = [backend.http.login(**grant, recovery_code=tried).status_code for tried in (first, code)]

    assert statuses == [400, 200]
    assert code not in str(backend.http.log)
    assert {one["type"] for one in backend.get(f"/users/{user.user_id}/authentication-methods")} == {
        "totp",
        "recovery-code",
    }


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/user-blocks/x", "update:users"),
        ("DELETE", "/user-blocks/x", "read:users"),
        ("GET", "/user-blocks", "update:users"),
        ("DELETE", "/user-blocks", "read:users"),
        ("GET", "/anomaly/blocks/ips/192.0.2.1", "delete:anomaly_blocks"),
        ("DELETE", "/anomaly/blocks/ips/192.0.2.1", "read:anomaly_blocks"),
        ("GET", "/users/x/authenticators", "update:users"),
        ("DELETE", "/users/x/authenticators", "read:users"),
        ("GET", "/users/x/authentication-methods", "update:users"),
        ("GET", "/users/x/enrollments", "update:users"),
        ("POST", "/users/x/recovery-code-regeneration", "read:users"),
        ("GET", "/users/x/refresh-tokens", "read:users"),
        ("DELETE", "/users/x/refresh-tokens", "delete:sessions"),
        ("GET", "/users/x/sessions", "read:refresh_tokens"),
        ("DELETE", "/users/x/sessions", "delete:refresh_tokens"),
    ],
)
def test_other_scope_is_403(stage: Stage, backend: Backend, method: str, path: str, scope: str) -> None:
    assert refusal(Backend.of(stage, backend.http, [scope]).send(method, path)) == (403, "insufficient_scope")
