"""HTTP Basic as clients write it (RFC 6749 2.3.1, RFC 7617): id and secret are decoded independently."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest

from chalicelib.store.configuration.client_secrets import sha256
from infra.stage.aws import Stage
from tests.support.config import document_of
from tests.support.http import ALICE, Http

SECRET = "a+b%2F:c"


def registered(stage: Stage, client_id: str, secret: str = SECRET) -> str:
    """Register a Basic client of this very id."""
    document = document_of(stage, "client#demo-basic") | {"client_id": client_id}
    stage.config().put(f"client#{client_id}", document | {"secrets": [{"sha256": sha256(secret), "expires_at": None}]})
    return client_id


def login(http: Http, pair: str, **params: str) -> Any:
    authorization = "Basic " + b64encode(pair.encode()).decode()
    return http.token({"grant_type": "password", **ALICE, **params}, Authorization=authorization)


@pytest.mark.parametrize("encode_secret", [str, quote_plus], ids=["raw-secret", "encoded-secret"])
@pytest.mark.parametrize("encode_id", [str, quote_plus], ids=["raw-id", "encoded-id"])
@pytest.mark.parametrize("client_id", ["an+id", "an%20id", "https://app.example/id?x=1&y=2"])
def test_id_and_secret_are_decoded_independently(
    http: Http, stage: Stage, client_id: str, encode_id: Any, encode_secret: Any
) -> None:
    registered(stage, client_id)
    is_ambiguous = ":" in client_id and encode_id is str
    named = {"client_id": client_id} if is_ambiguous else {}

    assert login(http, f"{encode_id(client_id)}:{encode_secret(SECRET)}", **named).status_code == 200
    assert http.log[-1]["client_id"] == client_id


@pytest.mark.parametrize("encode_secret", [str, quote_plus], ids=["raw", "encoded"])
@pytest.mark.parametrize("client_id", ["urn:example:app", "a:", ":a", "a::b"])
def test_client_id_in_the_body_says_where_the_colon_belongs(
    http: Http, stage: Stage, client_id: str, encode_secret: Any
) -> None:
    registered(stage, client_id)
    pair = f"{client_id}:{encode_secret(SECRET)}"

    assert login(http, pair, client_id=client_id).status_code == 200
    assert login(http, pair).status_code == 401


def test_encoded_colon_needs_no_client_id_in_the_body(http: Http, stage: Stage) -> None:
    registered(stage, "urn:example:encoded")

    assert login(http, f"{quote_plus('urn:example:encoded')}:{SECRET}").status_code == 200
    assert (
        login(http, f"{quote_plus('urn:example:encoded')}:{SECRET}", client_id="urn:example:encoded").status_code == 200
    )


def test_client_id_in_the_body_that_no_reading_has_is_another_one(http: Http, stage: Stage) -> None:
    registered(stage, "urn:example:other")
    response = login(http, f"urn:example:other:{SECRET}", client_id="urn:example")

    # It is a reading: `urn` and the rest are not, but this client does not exist.
    assert response.status_code == 401
    assert login(http, f"urn:example:other:{SECRET}", client_id="example").status_code == 400


def test_colons_of_a_secret_stay_in_it(http: Http, stage: Stage) -> None:
    registered(stage, "plain-id", "a:b:c")

    assert login(http, "plain-id:a:b:c").status_code == 200
    assert login(http, "plain-id:a:b:c", client_id="plain-id").status_code == 200
    assert login(http, "plain-id:a").status_code == 401
