"""A stage gets another issuer, as with a custom domain: what goes on is what docs/run/domain.md promises."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import Http
from tests.support.tokens import claims_in

AFTER = "https://login.example.org/"


@pytest.fixture
def http_of(stage: Stage, externals: wiring.Externals) -> Callable[[str], Http]:
    """Return a client of the stage, deployed with an issuer."""

    def make(issuer: str) -> Http:
        services = wiring.build(Settings(stage.name, issuer, BCRYPT_COST), stage.aws, replace(externals))
        return Http(lambda: services, source_ip="10.9.8.7")

    return make


def test_refresh_token_goes_on_under_the_new_issuer(http_of: Callable[[str], Http]) -> None:
    before, after = http_of(ISSUER), http_of(AFTER)
    login = before.login(scope="openid offline_access").json()
    renewed = after.post(
        "/oauth/token",
        data={
            "grant_type": "refresh_token", "refresh_token": login["refresh_token"],
            "client_id": "demo-backend", "client_secret": "demo-backend-secret",
        },
    )  # fmt: skip

    assert renewed.status_code == 200
    issuers = [claims_in(answer["access_token"])["iss"] for answer in (login, renewed.json())]
    assert issuers == [ISSUER, AFTER]
    assert claims_in(renewed.json()["id_token"])["iss"] == AFTER


def test_access_token_of_before_is_refused_at_userinfo(http_of: Callable[[str], Http]) -> None:
    login = http_of(ISSUER).login(scope="openid", audience=None).json()
    headers = {"Authorization": f"Bearer {login['access_token']}"}

    assert http_of(ISSUER).get("/userinfo", headers=headers).status_code == 200
    assert http_of(AFTER).get("/userinfo", headers=headers).status_code == 401
