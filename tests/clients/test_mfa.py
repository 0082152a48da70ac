"""auth0-python, unchanged, in the whole conversation of a second factor, with a tenant that always asks for one."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.authentication.rest import RestClient, RestClientOptions
from pyotp import TOTP

from tests.clients.support import domain, token_url, verified
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, local_run
from tests.support.mfa import MFA_OOB, MFA_OTP, MFA_RECOVERY_CODE, bearer, code_in
from tests.support.people import PASSWORD
from tests.support.tenant_documents import demo_document, write

NUMBER = "+14155550123"
SCOPES = "enroll read:authenticators remove:authenticators"
# The SDK asks for the time in a way that newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")


@pytest.fixture(scope="module")
def mfa_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant with `mfa.policy: always`, and somebody for each test."""
    directory, document = tmp_path_factory.mktemp("mfa"), demo_document()
    document["mfa"]["policy"] = "always"
    people = [("app", False), ("manager", False), ("phone", False), ("inbox", True)]
    document["users"] = {
        "employees": [
            {"username": name, "email": f"{name}@example.com", "email_verified": is_verified, "password": PASSWORD}
            for name, is_verified in people
        ]
    }
    with local_run(directory, "--tenant", write(directory, document)) as run:
        yield run


def sdk(run: LocalProcess) -> GetToken:
    """Return the SDK, as an application makes it."""
    secret, protocol = BACKEND["client_secret"], run.url.partition(":")[0]
    return GetToken(domain(run), BACKEND["client_id"], client_secret=secret, timeout=WAIT_S, protocol=protocol)


def owed(run: LocalProcess, username: str, audience: str = TIMESHEETS, scope: str | None = None) -> dict[str, Any]:
    """Show the password, and return the body of what the SDK raises."""
    with pytest.raises(Auth0Error) as caught:
        sdk(run).login(username, PASSWORD, realm="employees", audience=audience, scope=scope)
    assert (caught.value.status_code, caught.value.error_code) == (403, "mfa_required")
    assert caught.value.content
    return dict(caught.value.content)


def associate(run: LocalProcess, token: str, **asked: Any) -> dict[str, Any]:
    """Enrol, with a null for each parameter that has no value, as Auth0's SDKs send them."""
    unset = {"oob_channels": None, "phone_number": None, "email": None}
    made: dict[str, Any] = sdk(run).authenticated_post(
        f"{run.url}mfa/associate", data={"client_id": BACKEND["client_id"]} | unset | asked, headers=bearer(token)
    )
    return made


def challenge(run: LocalProcess, mfa_token: str, **asked: str) -> dict[str, Any]:
    unset = {"challenge_type": None, "oob_channel": None, "authenticator_id": None}
    data = {"client_id": BACKEND["client_id"], "mfa_token": mfa_token} | unset | asked
    sent: dict[str, Any] = sdk(run).authenticated_post(f"{run.url}mfa/challenge", data=data)
    return sent


def shown(run: LocalProcess, grant_type: str, mfa_token: str, **codes: str | None) -> dict[str, Any]:
    """Show a second factor, and return the tokens."""
    data = {"client_id": BACKEND["client_id"], "grant_type": grant_type, "mfa_token": mfa_token, "scope": None}
    tokens: dict[str, Any] = sdk(run).authenticated_post(token_url(run), data=data | codes)
    return tokens


def code(secret: str, later_s: int = 0) -> str:
    """Return an app's code. Each is used once: the next step's is taken too, so that no test has to wait."""
    return TOTP(secret).at(int(time.time()) + later_s)


def last_code(run: LocalProcess, channel: str, to: str) -> str:
    """Return the newest code that the local run shows for somebody."""
    outbox = httpx.get(f"{run.url}_local/outbox", timeout=WAIT_S).json()
    return code_in(next(one["text"] for one in outbox if (one["channel"], one["to"]) == (channel, to)))


def test_app_is_enrolled_and_logs_in_and_so_does_the_recovery_code(mfa_run: LocalProcess) -> None:
    first = owed(mfa_run, "app", scope="openid")
    made = associate(mfa_run, first["mfa_token"], authenticator_types=["otp"])
    confirmed = shown(mfa_run, MFA_OTP, first["mfa_token"], otp=code(made["secret"]))
    second, third = owed(mfa_run, "app"), owed(mfa_run, "app")
    asked = challenge(mfa_run, second["mfa_token"], challenge_type="otp oob")
    login = shown(mfa_run, MFA_OTP, second["mfa_token"], otp=code(made["secret"], 30))
    recovered = shown(mfa_run, MFA_RECOVERY_CODE, third["mfa_token"], recovery_code=made["recovery_codes"][0])

    assert first["mfa_requirements"] == {"enroll": [{"type": "otp"}, {"type": "phone"}, {"type": "email"}]}
    assert confirmed["id_token"]
    assert second["mfa_requirements"] == {"challenge": [{"type": "otp"}, {"type": "recovery-code"}]}
    assert asked == {"challenge_type": "otp"}
    assert verified(mfa_run, login["access_token"], TIMESHEETS)["amr"] == ["pwd", "otp", "mfa"]
    assert verified(mfa_run, recovered["access_token"], TIMESHEETS)["amr"] == ["pwd", "mfa"]
    assert recovered["recovery_code"] not in made["recovery_codes"]


def test_wrong_code_raises_auth0error_and_the_right_one_still_logs_in(mfa_run: LocalProcess) -> None:
    body = owed(mfa_run, "manager", audience=f"{mfa_run.url}mfa/", scope=SCOPES)
    secret = associate(mfa_run, body["mfa_token"], authenticator_types=["otp"])["secret"]
    with pytest.raises(Auth0Error) as caught:
        shown(mfa_run, MFA_OTP, body["mfa_token"], otp="no code")
    tokens = shown(mfa_run, MFA_OTP, body["mfa_token"], otp=code(secret))
    manager = RestClient(tokens["access_token"], options=RestClientOptions(timeout=WAIT_S))
    listed = manager.get(f"{mfa_run.url}mfa/authenticators")
    manager.delete(f"{mfa_run.url}mfa/authenticators/{listed[0]['id']}")

    raised = caught.value.status_code, caught.value.error_code, caught.value.message
    assert raised == (400, "invalid_grant", "Invalid otp_code.")
    assert (tokens["expires_in"], tokens["scope"]) == (600, SCOPES)
    assert [one["authenticator_type"] for one in listed] == ["otp", "recovery-code"]
    assert manager.get(f"{mfa_run.url}mfa/authenticators") == []


def test_phone_is_enrolled_and_challenged_by_text_message(mfa_run: LocalProcess) -> None:
    first = owed(mfa_run, "phone")["mfa_token"]
    made = associate(mfa_run, first, authenticator_types=["oob"], oob_channels=["sms"], phone_number=NUMBER)
    shown(mfa_run, MFA_OOB, first, oob_code=made["oob_code"], binding_code=last_code(mfa_run, "sms", NUMBER))
    second = owed(mfa_run, "phone")["mfa_token"]
    sent = challenge(mfa_run, second, oob_channel="sms")
    with pytest.raises(Auth0Error) as caught:
        shown(mfa_run, MFA_OOB, second, oob_code=sent["oob_code"], binding_code=None)
    typed = last_code(mfa_run, "sms", NUMBER)
    tokens = shown(mfa_run, MFA_OOB, second, oob_code=sent["oob_code"], binding_code=typed)

    assert (made["oob_channel"], made["binding_method"], sent["binding_method"]) == ("sms", "prompt", "prompt")
    assert caught.value.error_code == "authorization_pending"
    assert verified(mfa_run, tokens["access_token"], TIMESHEETS)["amr"] == ["pwd", "sms", "mfa"]


def test_verified_email_is_challenged_without_enrolment(mfa_run: LocalProcess) -> None:
    body = owed(mfa_run, "inbox")
    sent = challenge(mfa_run, body["mfa_token"], challenge_type="oob")
    typed = last_code(mfa_run, "email", "inbox@example.com")
    tokens = shown(mfa_run, MFA_OOB, body["mfa_token"], oob_code=sent["oob_code"], binding_code=typed)

    assert body["mfa_requirements"]["challenge"] == [{"type": "email"}]
    assert verified(mfa_run, tokens["access_token"], TIMESHEETS)["amr"] == ["pwd", "mfa"]
