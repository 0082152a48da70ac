"""An event that is no proxy event is answered in our form, whatever it is."""

import json
from typing import Any

import pytest

from tests.support.http import Http

EVENTS: list[Any] = [
    None,
    [],
    ["requestContext"],
    "event",
    7,
    True,
    {},
    {"requestContext": None},
    {"requestContext": []},
    {"requestContext": "x"},
    {"requestContext": {"resourcePath": ["/oauth/token"]}},
    {"requestContext": {"resourcePath": "/oauth/token"}},
    {"requestContext": {"resourcePath": "/oauth/token", "httpMethod": "POST"}, "headers": 1},
]


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_event_that_is_no_proxy_event_is_our_500(http: Http, event: Any) -> None:
    answer = http.app(event, None)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"] == "server_error"
    assert http.log[-1]["error"] == "server_error"
