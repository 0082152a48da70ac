"""Whoever knows where a refresh family is, and none of its secrets, can neither use nor end it. Through HTTP."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.tokens.refresh_format import (
    CHECKSUM_BYTES,
    SECRET_BYTES,
    VERSION,
    VERSION_BEFORE,
    RefreshToken,
    decode,
    encode,
)
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.http import Http

UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
ROTATING = {
    "rotation_type": "rotating",
    "leeway": 10,
    "token_lifetime": 2_592_000,
    "infinite_token_lifetime": False,
    "idle_token_lifetime": 2_592_000,
    "infinite_idle_token_lifetime": False,
}


@pytest.fixture
def client(stage: Stage) -> dict[str, str]:
    return {"client_id": make_client(stage, secret="s", refresh_token=ROTATING), "client_secret": "s"}


def login(http: Http, client: dict[str, str]) -> str:
    token: str = http.login(**client, scope="offline_access").json()["refresh_token"]
    return token


def parts(token: str) -> RefreshToken:
    found = decode(token)
    assert found is not None
    return found


def of_before(token: RefreshToken) -> str:
    """Return a token as the version before spelled it, from before its checksum was keyed."""
    return encode(replace(token, version=VERSION_BEFORE))


def with_checksum(token: str, checksum: bytes) -> str:
    """Return the token with another checksum."""
    return VERSION + urlsafe_b64encode(bytes_of(token)[:-CHECKSUM_BYTES] + checksum).rstrip(b"=").decode()


def bytes_of(token: str) -> bytes:
    """Return what stands behind a token's version."""
    sealed = token.removeprefix(VERSION)
    return urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))


@pytest.mark.parametrize("checksum", ["plain", "zeros", "the live token's"])
def test_forged_token_ends_no_family(http: Http, client: dict[str, str], checksum: str) -> None:
    live = http.refresh(login(http, client), client).json()["refresh_token"]
    forged = encode(replace(parts(live), secret=secrets.token_bytes(SECRET_BYTES)))
    if checksum != "plain":
        last = bytes_of(live)[-CHECKSUM_BYTES:]
        forged = with_checksum(forged, b"\0" * CHECKSUM_BYTES if checksum == "zeros" else last)

    for path in ("/oauth/introspect", "/oauth/revoke"):
        assert http.post(path, data={"token": forged, **client}).status_code == 200
    assert (http.refresh(forged, client).status_code, http.refresh(forged, client).json()) == (400, UNKNOWN)
    assert http.refresh(live, client).status_code == 200


def test_superseded_token_that_we_wrote_still_ends_its_family(http: Http, client: dict[str, str], clock: Clock) -> None:
    first = login(http, client)
    live = http.refresh(first, client).json()["refresh_token"]
    clock.advance(11)

    assert http.refresh(first, client).json() == UNKNOWN
    assert http.log[-1]["event"] == "ferrt"
    assert http.refresh(live, client).json() == UNKNOWN


def test_checksum_is_keyed_with_the_stages_key(http: Http, stage: Stage, client: dict[str, str]) -> None:
    token = login(http, client)

    def keyed(body: bytes) -> bytes:
        return stage_key(stage).mac("refresh token", body)

    assert token == encode(parts(token), keyed)
    assert token != encode(parts(token))


def test_token_of_today_without_a_keyed_checksum_is_unknown(http: Http, client: dict[str, str]) -> None:
    token = login(http, client)

    assert http.refresh(encode(parts(token)), client).json() == UNKNOWN
    assert http.refresh(token, client).status_code == 200


@pytest.mark.parametrize("version", ["rt3_", "rt1_", "RT2_", "mt2_"])
def test_token_of_another_version_is_unknown_and_ends_nothing(http: Http, client: dict[str, str], version: str) -> None:
    token = login(http, client)

    assert token.startswith("rt2_")
    assert http.refresh(version + token.removeprefix("rt2_"), client).json() == UNKNOWN
    assert http.refresh(token, client).status_code == 200


def test_version_is_part_of_the_checksum(http: Http, stage: Stage, client: dict[str, str]) -> None:
    token = login(http, client)

    assert http.refresh(token.removeprefix("rt2_"), client).json() == UNKNOWN
    assert http.refresh(token, client).status_code == 200


# Tokens from before the checksum was keyed.


def test_live_token_of_before_works_on_and_its_successor_is_keyed(http: Http, client: dict[str, str]) -> None:
    token = login(http, client)
    old = of_before(parts(token))
    successor = http.refresh(old, client).json()["refresh_token"]

    assert successor != encode(parts(successor))
    assert http.refresh(old, client).json()["refresh_token"] == successor
    assert http.refresh(successor, client).status_code == 200


def test_superseded_token_of_before_is_refused_and_ends_nothing(
    http: Http, client: dict[str, str], clock: Clock
) -> None:
    token = login(http, client)
    live = http.refresh(token, client).json()["refresh_token"]
    clock.advance(11)

    assert http.refresh(of_before(parts(token)), client).json() == UNKNOWN
    assert http.refresh(live, client).status_code == 200


@pytest.mark.parametrize("changes", [{"realm": "customers"}, {"user_id": "employees|somebody"}])
def test_place_that_was_written_anew_leads_nowhere(http: Http, client: dict[str, str], changes: dict[str, Any]) -> None:
    token = login(http, client)
    found = parts(token)
    moved = replace(found, key=replace(found.key, **changes))

    assert http.refresh(of_before(moved), client).json() == UNKNOWN
    assert http.refresh(encode(moved), client).json() == UNKNOWN
    assert http.refresh(token, client).status_code == 200


def test_garbage_needs_no_key_and_a_warm_process_asks_kms_for_none(
    http: Http, stage: Stage, client: dict[str, str]
) -> None:
    token = login(http, client)
    http.refresh(token, client)
    with calls_of(stage) as calls:
        http.refresh("garbage", client)
        assert calls.made == []
        http.refresh(token, client)

    assert calls.made.count("Decrypt") == 0
