"""docs/use/http.md's sample of an API: it answers every token as RFC 6750 3.1 asks for, and none with a crash."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from infra.stage.aws import Stage
from tests.support.access_tokens import genuine_parts, rs256, signed_by_us
from tests.support.fixed import ISSUER, Clock
from tests.support.http import REPORTS, Http

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "http.md").read_text("utf-8")
SAMPLE = re.compile(r"^### Verify an access token\n.+?^```python\n(.+?)^```", re.MULTILINE | re.DOTALL)
REALM = 'Bearer realm="timesheets"'
INVALID: tuple[int, dict[str, str], dict[str, Any]] = (401, {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}, {})

Checked = Callable[[str | None, str], tuple[int, dict[str, str], dict[str, Any]]]


@pytest.fixture
def sample(http: Http) -> dict[str, Any]:
    """The sample's names, with this test's issuer and the keys that the server publishes."""
    found = SAMPLE.search(PAGE)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102  # the page's own code is what is tested

    class Published(jwt.PyJWKClient):
        def fetch_data(self) -> Any:
            return http.get("/.well-known/jwks.json").json()

    names |= {"ISSUER": ISSUER, "KEYS": Published("https://login.example.com/.well-known/jwks.json")}
    return names


@pytest.fixture
def checked(sample: dict[str, Any]) -> Checked:
    function: Checked = sample["checked"]
    return function


def test_access_token_is_taken(http: Http, checked: Checked) -> None:
    token = http.login().json()["access_token"]
    status, headers, claims = checked(f"Bearer {token}", "read:timesheets")

    assert (status, headers, claims["client_id"]) == (200, {}, "demo-backend")


def test_token_that_was_issued_a_moment_ahead_is_taken(http: Http, checked: Checked, clock: Clock) -> None:
    clock.advance(5)
    token = http.login().json()["access_token"]

    assert checked(f"bearer {token}", "read:timesheets")[0] == 200


@pytest.mark.parametrize("authorization", [None, "", "Basic eDp5", "Token x"])
def test_request_without_a_token_is_challenged_without_an_error(checked: Checked, authorization: str | None) -> None:
    assert checked(authorization, "read:timesheets") == (401, {"WWW-Authenticate": REALM}, {})


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "..", "e30.e30.e30", "\u00e9", "\x00.\x00.\x00", "W10.W10.W10", "A" * 9000, "eyJ" * 5000 + ".."],
    ids=lambda token: ascii(token[:20]),
)
def test_garbage_is_401_and_no_crash(checked: Checked, token: str) -> None:
    assert checked(f"Bearer {token}", "read:timesheets") == INVALID


def test_bad_tokens_of_every_kind_are_401(http: Http, stage: Stage, checked: Checked) -> None:
    header, claims = genuine_parts(http)
    good = claims | {"aud": "https://api.example.com/timesheets"}
    bad = [
        rs256(header, good),
        rs256(header | {"kid": "unknown"}, good),
        rs256(header | {"kid": ["a"]}, good),
        signed_by_us(stage, good, typ="JWT"),
        signed_by_us(stage, good, typ=None),
        signed_by_us(stage, good | {"aud": REPORTS}),
        signed_by_us(stage, good | {"iss": "https://other.example.com/"}),
        signed_by_us(stage, good | {"exp": 1}),
        signed_by_us(stage, good | {"exp": "never"}),
        signed_by_us(stage, {name: value for name, value in good.items() if name != "scope"}),
        http.login(scope="openid").json()["id_token"],
    ]

    assert [checked(f"Bearer {token}", "read:timesheets") for token in bad] == [INVALID] * len(bad)


def test_token_without_the_scope_is_403(http: Http, checked: Checked) -> None:
    token = http.login(scope="read:timesheets").json()["access_token"]
    status, headers, _ = checked(f"Bearer {token}", "approve:timesheets")

    assert status == 403
    assert headers == {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="approve:timesheets"'}


def test_keys_that_cannot_be_fetched_are_503(http: Http, sample: dict[str, Any], checked: Checked) -> None:
    token = http.login().json()["access_token"]
    sample["KEYS"] = jwt.PyJWKClient("http://127.0.0.1:9/jwks.json", timeout=1)

    assert checked(f"Bearer {token}", "read:timesheets")[0] == 503
