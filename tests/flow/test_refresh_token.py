"""Refresh tokens (RFC 6749 6, RFC 9700 4.14), through HTTP. Rows I of the case list."""

from typing import Any

import httpx
import jwt
import pytest

from infra.aws import Stage
from tests.conftest import Clock
from tests.support.calls import calls_of
from tests.support.clients import make_api, make_client
from tests.support.http import BACKEND, PASSWORD_REALM, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker

OFFLINE = "offline_access read:timesheets create:timesheets"
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
MONTH_S = 2_592_000


def test_offline_access_yields_a_refresh_token(http: Http) -> None:
    body = http.login(scope=OFFLINE).json()
    print(body)
    body2 = http.token({"grant_type": "refresh_token", "refresh_token": body["refresh_token"], **BACKEND}).json()
    print(body2, http.log[-1])
    assert "refresh_token" in body2
