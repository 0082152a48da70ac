"""Every AWS call of the Management API fails once: an error in its form, and a retry completes the request."""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from chalicelib.accounts.authorization import make_role_id
from chalicelib.http.management import ROUTES
from infra.stage.aws import Stage
from infra.stage.second_factors import SecondFactors
from tests.support.clients import make_client
from tests.support.faults import aws_error
from tests.support.function_aws import Ask, around_calls
from tests.support.http import TIMESHEETS
from tests.support.management import SECRET, Backend, refusal
from tests.support.people import PeopleMaker

ROLE = make_role_id("in-faults")
NEW = {"connection": "customers", "password": "quiet words at 753"}
PATCH = {"password": "other quiet words 358", "blocked": True, "app_metadata": {"a": 1}, "nickname": "N"}
ROLES, MEMBERS = {"roles": [ROLE]}, {"users": ["{id}"]}
PERMISSIONS = {"permissions": [{"resource_server_identifier": TIMESHEETS, "permission_name": "read:timesheets"}]}
# By the request, the answer of a success. `{id}` is a person's, `{client}` a client's.
REQUESTS: dict[tuple[str, str], tuple[dict[str, Any] | None, int]] = {
    ("GET", "/users?connection=customers"): (None, 200),
    ("GET", "/users?connection=customers&include_totals=true"): (None, 200),
    ("GET", "/users?q=email:{email}"): (None, 200),
    ("GET", "/users-by-email?email={email}"): (None, 200),
    ("GET", "/users/{id}"): (None, 200),
    ("POST", "/users"): (NEW, 201),
    ("PATCH", "/users/{id}"): (PATCH, 200),
    ("DELETE", "/users/{id}"): (None, 204),
    ("GET", "/users/{id}/authenticators"): (None, 200),
    ("DELETE", "/users/{id}/authenticators"): (None, 204),
    ("GET", "/users/{id}/authentication-methods"): (None, 200),
    ("GET", "/users/{id}/enrollments"): (None, 200),
    ("POST", "/users/{id}/recovery-code-regeneration"): (None, 200),
    ("GET", "/users/{id}/sessions"): (None, 200),
    ("DELETE", "/users/{id}/sessions"): (None, 204),
    ("GET", "/users/{id}/refresh-tokens"): (None, 200),
    ("DELETE", "/users/{id}/refresh-tokens"): (None, 204),
    ("GET", "/user-blocks/{id}"): (None, 200),
    ("DELETE", "/user-blocks/{id}"): (None, 204),
    ("GET", "/user-blocks?identifier={email}"): (None, 200),
    ("DELETE", "/user-blocks?identifier={email}"): (None, 204),
    ("GET", "/anomaly/blocks/ips/192.0.2.9"): (None, 404),
    ("DELETE", "/anomaly/blocks/ips/192.0.2.9"): (None, 204),
    ("POST", "/tickets/password-change"): ({"user_id": "{id}"}, 201),
    ("POST", "/tickets/email-verification"): (
        {"user_id": "{id}", "result_url": "https://app.example.com/"},
        201,
    ),
    ("POST", "/jobs/verification-email"): ({"user_id": "{id}"}, 201),
    ("GET", "/users/{id}/roles"): (None, 200),
    ("POST", "/users/{id}/roles"): (ROLES, 204),
    ("DELETE", "/users/{id}/roles"): (ROLES, 204),
    ("GET", "/users/{id}/permissions"): (None, 200),
    ("POST", "/users/{id}/permissions"): (PERMISSIONS, 204),
    ("DELETE", "/users/{id}/permissions"): (PERMISSIONS, 204),
    ("GET", "/roles"): (None, 200),
    ("GET", f"/roles/{ROLE}"): (None, 200),
    ("GET", f"/roles/{ROLE}/permissions"): (None, 200),
    ("GET", f"/roles/{ROLE}/users"): (None, 200),
    ("POST", f"/roles/{ROLE}/users"): (MEMBERS, 204),
    ("GET", "/clients"): (None, 200),
    ("POST", "/clients/{client}/rotate-secret"): (None, 200),
    ("GET", "/resource-servers"): (None, 200),
    ("GET", "/connections"): (None, 200),
    ("GET", "/client-grants"): (None, 200),
}
MOST_CALLS = 30
# AWS fails, throttles, and denies what the role lacks.
ERRORS = ("InternalServerError", "ProvisionedThroughputExceededException", "AccessDeniedException")


@pytest.fixture(autouse=True)
def role(stage: Stage) -> None:
    """The role of the requests."""
    permissions = [{"api": TIMESHEETS, "value": "approve:timesheets"}]
    stage.config().put(f"role#{ROLE}", {"name": "in-faults", "description": None, "permissions": permissions})


def test_every_route_has_its_request() -> None:
    ids = re.compile(r"\{\w+\}|rol_\w+|192\.0\.2\.9")
    asked = {(method, "/api/v2" + ids.sub("{}", path.partition("?")[0])) for method, path in REQUESTS}

    assert asked == {(method, ids.sub("{}", route.path)) for route in ROUTES for method in route.methods}


def at_call(stage: Stage, number: int, act: Callable[[], object]) -> AbstractContextManager[None]:
    """Call act before the call of that number, counted from 0, reaches AWS."""
    numbers = itertools.count()

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if next(numbers) == number:
            act()
        return ask()

    return around_calls(stage, around)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("request_line", REQUESTS, ids=" ".join)
def test_failure_of_each_call_is_503_and_a_retry_completes_the_request(
    stage: Stage, backend: Backend, people: PeopleMaker, request_line: tuple[str, str], error: str
) -> None:
    (method, path), (body, success) = request_line, REQUESTS[request_line]
    assert backend.token

    def fail() -> None:
        failed.append(True)
        raise aws_error(error)

    for number in range(MOST_CALLS):
        user, failed = people.make("customers"), list[bool]()
        if "recovery" in path:
            factors = SecondFactors.of(stage, "customers")
            factors.enroll(factors.find_session(user.user_id))
        new = {"email": f"fault-{error}-{number}@example.com"} if body is NEW else {}
        own = json.loads(json.dumps(body).replace("{id}", user.user_id)) if body else {}
        options = {"json": {**own, **new}} if body else {}
        client = make_client(stage, secret=SECRET) if "{client}" in path else ""
        target = path.format(id=user.user_id, email=user.email, client=client)
        with at_call(stage, number, fail):
            answer = backend.send(method, target, **options)
        if not failed:
            assert answer.status_code == success
            return
        if answer.status_code != success:
            assert refusal(answer) == (503, "temporarily_unavailable")
            assert backend.send(method, target, **options).status_code == success
    raise AssertionError("more calls than a request may make")
