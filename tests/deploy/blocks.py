"""A person who is blocked by wrong passwords, mailed by the deployed schedule, and let in by the link."""

import re

import httpx

from infra.gateway.app import LambdaContext
from tests.deploy.conftest import EMPLOYEES, Aws, Deployment
from tests.deploy.logins import PASSWORD, SECRET_LOGIN
from tests.support.aws_server import MAILS
from tests.support.lambda_runtime import Environment
from tests.support.schedule import EVENT

MAX_ATTEMPTS = 10


def added_person(deployment: Deployment, username: str) -> dict[str, str]:
    """Make somebody with a verified email by the command; return what they log in with."""
    words = ("users", "add", *EMPLOYEES, "--username", username, "--email", f"{username}@example.com")
    added = deployment.project.gatehouse(*words, "--email-verified", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (added.returncode, added.stderr) == (0, "")
    return {"username": username, "password": PASSWORD}


def block(site: httpx.Client, person: dict[str, str]) -> None:
    """Guess wrongly as often as it takes."""
    for _ in range(MAX_ATTEMPTS):
        assert site.post("/oauth/token", data=SECRET_LOGIN | person | {"password": "wrong"}).status_code == 400
    assert site.post("/oauth/token", data=SECRET_LOGIN | person).status_code == 429


def run(schedule: Environment) -> None:
    """Do what EventBridge does each minute; the function has nothing to say to it."""
    assert schedule.invoke(EVENT, LambdaContext("", "gatehouse-dev-tell_blocked", 0)) is None


def mailed_link(deployment: Deployment, address: str) -> str:
    """Return the path of the link in the one email that this address got."""
    (text,) = mails_to(deployment.aws, address)
    (path,) = re.findall(rf"{re.escape(deployment.url)}(u/unblock\?ticket=\S+)", text)
    return f"/{path}"


def mails_to(aws: Aws, address: str) -> list[str]:
    """Return the texts of the emails that were sent to an address."""
    return [mail["text"] for mail in httpx.get(f"{aws.url}{MAILS}").json() if address in mail["to"]]
