"""docs/use/accounts.md: each curl is sent, and answered as the page says; its limits and words are the code's."""

import json
import os
import re
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from chalicelib import wiring
from chalicelib.accounts import tickets
from chalicelib.errors import InvalidSignup, SignupDisabled, UsernameExists
from chalicelib.protection import calls, destinations, mails
from chalicelib.protection.address import SUSPICIOUS
from chalicelib.settings import Settings
from chalicelib.store.tickets import MAX_TRIES
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.accounts import code_of, run_schedule, ticket_of
from tests.support.curl_docs import is_as_shown
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM
from tests.support.http import Http
from tests.support.limits import WAIT_S
from tests.support.mfa import emails_to
from tests.support.stages import provision_stage

PAGE = (Path(__file__).parents[2] / "docs" / "use" / "accounts.md").read_text("utf-8")
LOCAL = "http://127.0.0.1:8000/"
NORA = "nora@example.com"
STEP = re.compile(r"^```sh\n(.+?)^```\n\nAnswer (\d{3})(?:\.|:\n\n```json\n(.+?)^```$)", re.MULTILINE | re.DOTALL)
STEPS = STEP.findall(PAGE)


def sent(http: Http, line: str, variables: dict[str, str]) -> httpx.Response:
    """Send to the handler what curl would send."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{line}"
    environment = {"PATH": os.environ["PATH"], **variables}
    ran = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, timeout=WAIT_S, check=True)
    parser = ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--data-urlencode", dest="form", action="append", default=[])
    asked = parser.parse_args(ran.stdout.decode().split("\0")[:-1])
    headers = dict(header.split(": ", 1) for header in asked.headers)
    form = dict(pair.split("=", 1) for pair in asked.form)
    body: dict[str, Any] = {"content": asked.data} if asked.data else {"data": form}
    return http.post(f"/{asked.url.removeprefix(LOCAL)}", headers=headers, **body)


@pytest.fixture
def http(demo: TenantFile, stage: Stage, externals: wiring.Externals) -> Http:
    """A client of the handler as `make run` serves it."""
    own = provision_stage("accountspage", demo)
    services = wiring.build(Settings(own.name, LOCAL, BCRYPT_COST, email_from=EMAIL_FROM), own.aws, externals)
    return Http(lambda: services, "10.253.0.2")


def test_each_line_is_answered_as_the_page_says(http: Http) -> None:
    variables: dict[str, str] = {}
    for line, status, shown in STEPS:
        answer = sent(http, line, variables)
        assert str(answer.status_code) == status, f"{line}\n{answer.text}"
        assert not shown or is_as_shown(json.loads(shown), answer.json()), f"{line}\n{answer.text}"
        run_schedule(http)
        if "CODE" not in variables or "change_password" in line:
            mail = emails_to(NORA)[-1]
            variables = {"CODE": code_of(mail), "TICKET": ticket_of(mail)}


def test_each_line_is_among_those_that_are_sent() -> None:
    assert len(STEPS) == PAGE.count("```sh\n") == PAGE.count("\ncurl ")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def every(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds / 60:g} minutes" if seconds > 90 else f"{seconds:g} seconds"


@pytest.mark.parametrize(
    "bucket",
    [calls.SIGN_UPS.bucket, calls.MAILS.bucket, calls.CODES.bucket, mails.PERSON, destinations.DESTINATIONS["email"]],
)
def test_limits_of_the_page_are_those_of_the_code(bucket: Any) -> None:
    assert f"| {bucket.size} | every {every(bucket.rate_ms)} |" in section("Limits")


def test_lifetimes_of_the_page_are_those_of_the_code() -> None:
    assert f"| code | {tickets.CODE_LIFETIME_S // 60} minutes from the sending | {MAX_TRIES}, counted" in PAGE
    assert tickets.TICKET_LIFETIME_S == 86_400


@pytest.mark.parametrize(
    "words",
    [
        tickets.INVALID,
        SUSPICIOUS,
        "Unknown realm.",
        InvalidSignup().description,
        SignupDisabled().description,
        UsernameExists().description,
    ],
)
def test_words_of_each_refusal_are_in_the_table(words: str) -> None:
    assert f"| {words} |" in section("Errors")
