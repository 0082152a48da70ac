"""docs/use/mfa.md: each curl line is answered as the page says, one after the other, and its tables are the code's."""

import json
import os
import re
import subprocess
from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from chalicelib import wiring
from chalicelib.flows.mfa import ENROLLED, NOT_ENROLLED, OWN_EMAIL, REFRESHED
from chalicelib.mfa import demand, enrolling, limits, oob, otp, recovery, session
from chalicelib.model.tenant import MFA_TOKEN_LIFETIME_S
from chalicelib.protection import destinations
from chalicelib.protection.address import SUSPICIOUS
from chalicelib.settings import Settings
from infra.tenant.schema import TenantFile
from tests.support.curl_docs import is_as_shown
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, Clock
from tests.support.http import Http
from tests.support.limits import WAIT_S
from tests.support.mfa import App, code_in, emails_to, sms_to
from tests.support.stages import provision_stage

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "use" / "mfa.md").read_text("utf-8")
LOCAL = "http://127.0.0.1:8000/"
# A line of the page, the status that it is answered with, and the body, where there is one.
STEP = re.compile(r"^```sh\n(.+?)^```\n\nAnswer (\d{3})(?:\.|:\n\n```json\n(.+?)^```$)", re.MULTILINE | re.DOTALL)
STEPS = STEP.findall(PAGE)
# Where an answer leads to, by the member of the answer.
KEPT = {
    "mfa_token": "MFA_TOKEN",
    "oob_code": "OOB_CODE",
    "recovery_codes": "RECOVERY_CODE",
    "recovery_code": "RECOVERY_CODE",
}


def arguments(line: str, variables: dict[str, str]) -> list[str]:
    """Return what a shell hands to curl."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{line}"
    environment = {"PATH": os.environ["PATH"], **variables}
    ran = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, timeout=WAIT_S, check=True)
    return ran.stdout.decode().split("\0")[:-1]


def sent(http: Http, line: str, variables: dict[str, str]) -> httpx.Response:
    """Send to the handler what curl would send."""
    parser = ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--data-urlencode", dest="form", action="append", default=[])
    asked = parser.parse_args(arguments(line, variables))
    assert asked.url.startswith(LOCAL)
    headers = dict(header.split(": ", 1) for header in asked.headers)
    form = dict(pair.split("=", 1) for pair in asked.form)
    body: dict[str, Any] = {"content": asked.data} if asked.data else {"data": form} if form else {}
    method = asked.method or ("POST" if body else "GET")
    return http.request(method, f"/{asked.url.removeprefix(LOCAL)}", headers=headers, **body)


def messages() -> set[str]:
    """Return what was sent to the people of the page."""
    return {*sms_to("+14155550100"), *emails_to("alice@example.com")}


@dataclass
class Reader:
    """Somebody who pastes one line of the page after the other."""

    http: Http
    clock: Clock
    variables: dict[str, str] = field(default_factory=dict)
    secret: str = ""

    def paste(self, line: str) -> httpx.Response:
        """Paste a line, with the first one before it where it needs a fresh mfa_token, and keep what it answers."""
        if "$MFA_TOKEN" in line and "MFA_TOKEN" not in self.variables:
            self.paste(STEPS[0][0])
        if "$OTP" in line:
            self.clock.advance(30)
            self.variables["OTP"] = App(self.secret, self.clock).code()
        before = messages()
        answer = sent(self.http, line, self.variables)
        for message in messages() - before:
            self.variables["BINDING_CODE"] = code_in(message)
        if answer.content:
            self.keep(answer.json())
        return answer

    def keep(self, body: Any) -> None:
        if isinstance(body, list):
            self.variables["AUTHENTICATOR_ID"] = next(one["id"] for one in body if one.get("oob_channel") == "sms")
            return
        if "access_token" in body:
            self.variables.pop("MFA_TOKEN", None)
        if "enroll" in body.get("scope", ""):
            self.variables["MFA_API_TOKEN"] = body["access_token"]
        self.secret = body.get("secret", self.secret)
        for name, variable in KEPT.items():
            if name in body:
                (value,) = body[name] if isinstance(body[name], list) else (body[name],)
                self.variables[variable] = value


@pytest.fixture
def http(demo: TenantFile, stage: Any, externals: wiring.Externals) -> Http:
    """A client of the handler as `make run` serves the page's tenant."""
    always = demo.model_copy(update={"mfa": demo.mfa.model_copy(update={"policy": "always"})})
    own = provision_stage("mfapage", always)
    services = wiring.build(Settings(own.name, LOCAL, BCRYPT_COST, email_from=EMAIL_FROM), own.aws, externals)
    return Http(lambda: services, "10.253.0.1")


def test_each_line_is_answered_as_the_page_says(http: Http, clock: Clock) -> None:
    # PyJWT looks at the real clock: what is minted here must neither be of the future nor be over.
    clock.now -= 120
    reader = Reader(http, clock)
    for line, status, shown in STEPS:
        answer = reader.paste(line)
        assert (str(answer.status_code), bool(answer.content)) == (status, bool(shown)), f"{line}\n{answer.text}"
        assert not shown or is_as_shown(json.loads(shown), answer.json()), f"{line}\n{answer.text}"


def test_each_line_is_among_those_that_are_sent() -> None:
    assert len(STEPS) == PAGE.count("```sh\n") == PAGE.count("\ncurl ")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_picture_is_well_formed_and_on_the_page() -> None:
    picture = ElementTree.parse(DOCS / "use" / "mfa-sequence.svg").getroot()  # noqa: S314 (our own picture)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "](mfa-sequence.svg)" in PAGE


@pytest.mark.parametrize(
    "words",
    [
        session.MALFORMED,
        oob.MALFORMED,
        oob.INVALID,
        oob.PENDING,
        otp.INVALID,
        recovery.REJECTED,
        recovery.NONE,
        limits.TOO_MANY_CODES,
        limits.TOO_MANY_MESSAGES,
        NOT_ENROLLED,
        ENROLLED,
        REFRESHED,
        OWN_EMAIL,
        SUSPICIOUS,
    ],
)
def test_words_of_each_refusal_are_in_the_table(words: str) -> None:
    assert f"| {words} |" in section("Errors")


def minutes(milliseconds: int) -> str:
    if milliseconds % limits.MINUTE_MS:
        return f"{milliseconds // 1000} seconds"
    return f"{milliseconds // limits.MINUTE_MS} minutes".replace("60 minutes", "hour").replace("1 minutes", "minute")


@pytest.mark.parametrize(
    "words",
    [
        f"| {limits.CODES.size} | every {minutes(limits.CODES.rate_ms)} |",
        *(f"| {one.size} | every {minutes(one.rate_ms)} |" for one in limits.MESSAGES.values()),
        *(f"| {one.size} | every {minutes(one.rate_ms)} |" for one in destinations.DESTINATIONS.values()),
        f"| 1 | every {limits.POLLS.rate_ms // 1000} seconds |",
        f"| {demand.LIFETIME_S // 60} minutes |",
        f"| {oob.LIFETIME_S // 60} minutes |",
        f"| {MFA_TOKEN_LIFETIME_S} seconds |",
        f"| {enrolling.MAX_AUTHENTICATORS} |",
    ],
)
def test_limits_of_the_page_are_those_of_the_code(words: str) -> None:
    assert words in section("Limits")
