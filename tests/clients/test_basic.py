"""HTTP Basic as clients send it: the parts as they are, or form-encoded first, more or less."""

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import httpx
import pytest
import requests

from tests.clients.support import BASIC_ID, BASIC_SECRET, token_url, verified
from tests.support.http import ALICE, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

LOGIN = {"grant_type": "password", "audience": TIMESHEETS, **ALICE}


def as_it_is(part: str) -> str:
    return part


def fully_encoded(part: str) -> str:
    """Encode as oauth4webapi does: `-`, `.` and their like too, a space as `+`."""
    encoded = quote(part, safe="")
    for char in "-_.!~*'()":
        encoded = encoded.replace(char, f"%{ord(char):02X}")
    return encoded.replace("%20", "+")


@pytest.mark.parametrize("encode", [as_it_is, quote_plus, quote, fully_encoded])
def test_basic_logs_in_however_its_parts_are_encoded(run: LocalProcess, encode: Callable[[str], str]) -> None:
    credentials = b64encode(f"{encode(BASIC_ID)}:{encode(BASIC_SECRET)}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    answer = httpx.post(token_url(run), data=LOGIN, headers=headers, timeout=WAIT_S)

    assert answer.status_code == 200
    assert verified(run, answer.json()["access_token"], TIMESHEETS)["client_id"] == BASIC_ID


def test_basic_of_requests_logs_in(run: LocalProcess) -> None:
    answer = requests.post(token_url(run), data=LOGIN, auth=(BASIC_ID, BASIC_SECRET), timeout=WAIT_S)

    assert answer.status_code == 200


def test_basic_of_httpx_logs_in(run: LocalProcess) -> None:
    answer = httpx.post(token_url(run), data=LOGIN, auth=(BASIC_ID, BASIC_SECRET), timeout=WAIT_S)

    assert answer.status_code == 200


def test_client_id_in_the_body_beside_basic_is_no_second_method(run: LocalProcess) -> None:
    form = LOGIN | {"client_id": BASIC_ID}

    assert requests.post(token_url(run), data=form, auth=(BASIC_ID, BASIC_SECRET), timeout=WAIT_S).ok


def test_another_client_id_in_the_body_is_an_invalid_request(run: LocalProcess) -> None:
    form = LOGIN | {"client_id": "demo-backend"}
    answer = requests.post(token_url(run), data=form, auth=(BASIC_ID, BASIC_SECRET), timeout=WAIT_S)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_secret_in_the_body_beside_basic_is_an_invalid_request(run: LocalProcess) -> None:
    form = LOGIN | {"client_id": BASIC_ID, "client_secret": BASIC_SECRET}
    answer = requests.post(token_url(run), data=form, auth=(BASIC_ID, BASIC_SECRET), timeout=WAIT_S)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_wrong_secret_is_answered_with_a_basic_challenge(run: LocalProcess) -> None:
    answer = requests.post(token_url(run), data=LOGIN, auth=(BASIC_ID, "wrong"), timeout=WAIT_S)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
