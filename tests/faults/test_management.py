"""Every AWS call of the Management API fails once: an error in its form, and a retry completes the request."""

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.support.faults import aws_error
from tests.support.function_aws import Ask, around_calls
from tests.support.management import Backend, refusal
from tests.support.people import PeopleMaker

NEW = {"connection": "customers", "password": "quiet words at 753"}
PATCH = {"password": "other quiet words 358", "blocked": True, "app_metadata": {"a": 1}, "nickname": "N"}
# By the request, the answer of a success. `{id}` is a person's.
REQUESTS: dict[tuple[str, str], tuple[dict[str, Any] | None, int]] = {
    ("GET", "/users?connection=customers"): (None, 200),
    ("GET", "/users?q=email:{email}"): (None, 200),
    ("GET", "/users-by-email?email={email}"): (None, 200),
    ("GET", "/users/{id}"): (None, 200),
    ("POST", "/users"): (NEW, 201),
    ("PATCH", "/users/{id}"): (PATCH, 200),
    ("DELETE", "/users/{id}"): (None, 204),
    ("GET", "/users/{id}/authenticators"): (None, 200),
    ("DELETE", "/users/{id}/authenticators"): (None, 204),
    ("GET", "/users/{id}/refresh-tokens"): (None, 200),
    ("DELETE", "/users/{id}/refresh-tokens"): (None, 204),
    ("GET", "/user-blocks/{id}"): (None, 200),
    ("DELETE", "/user-blocks/{id}"): (None, 204),
    ("GET", "/user-blocks?identifier={email}"): (None, 200),
    ("DELETE", "/anomaly/blocks/ips/192.0.2.9"): (None, 204),
    ("POST", "/tickets/password-change"): ({"user_id": "{id}"}, 201),
    ("POST", "/jobs/verification-email"): ({"user_id": "{id}"}, 201),
    ("GET", "/connections"): (None, 200),
}
MOST_CALLS = 30


def at_call(stage: Stage, number: int, act: Callable[[], object]) -> AbstractContextManager[None]:
    """Call act before the call of that number, counted from 0, reaches AWS."""
    numbers = itertools.count()

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if next(numbers) == number:
            act()
        return ask()

    return around_calls(stage, around)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_failure_of_each_call_is_503_and_a_retry_completes_the_request(
    stage: Stage, backend: Backend, people: PeopleMaker, method: str, path: str
) -> None:
    body, success = REQUESTS[method, path]
    assert backend.token

    def fail() -> None:
        failed.append(True)
        raise aws_error("InternalServerError")

    for number in range(MOST_CALLS):
        user, failed = people.make("customers"), list[bool]()
        own = {"user_id": user.user_id} if body and "user_id" in body else {}
        new = {"email": f"fault{number}@example.com"} if body is NEW else {}
        options = {"json": {**body, **own, **new}} if body else {}
        target = path.format(id=user.user_id, email=user.email)
        with at_call(stage, number, fail):
            answer = backend.send(method, target, **options)
        if not failed:
            assert answer.status_code == success
            return
        if answer.status_code != success:
            assert refusal(answer) == (503, "temporarily_unavailable")
            assert backend.send(method, target, **options).status_code == success
    raise AssertionError("more calls than a request may make")
