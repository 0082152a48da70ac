"""When a second factor is owed by the tenant's policy, at refresh, and where factors are switched off, through HTTP."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.config import document_of
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import BACKEND, Http
from tests.support.mfa import (
    App,
    associate,
    authenticators,
    code_in,
    enrol,
    mfa_token_of,
    sms_to,
    with_oob,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.stages import client_of, provision_stage
from tests.support.tokens import claims_of

ALL = ("otp", "sms", "email", "recovery-code")
BY_SMS = {"authenticator_types": ["oob"], "oob_channels": ["sms"]}
DAY_S = 86_400
# Puts the handler on the stage with this policy and these factors, and returns a client of it.
Under = Callable[..., Http]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def own(stage: Stage, demo: TenantFile) -> Stage:
    return provision_stage("mfapolicy", demo)


@pytest.fixture
def people(own: Stage) -> PeopleMaker:
    return PeopleMaker(own, BCRYPT_COST)


@pytest.fixture
def under(own: Stage, externals: wiring.Externals) -> Iterator[Under]:
    with ExitStack() as clients:

        def put(policy: str, *factors: str) -> Http:
            document = document_of(own, "tenant")
            own.config().put("tenant", document | {"mfa": {"policy": policy, "factors": list(factors)}})
            return clients.enter_context(client_of(own, externals))

        yield put


def test_policy_always_asks_everybody_and_lets_in_whoever_enrols(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, username = under("always", *ALL), people.make().username
    first = http.login(username=username)
    enrolled = enrol(http, clock, username, mfa_token_of(first))
    clock.advance(60)
    second = http.login(username=username)

    assert first.json()["mfa_requirements"] == {"enroll": [{"type": "otp"}, {"type": "phone"}, {"type": "email"}]}
    assert claims_of(enrolled.answer)["amr"] == ["pwd", "otp", "mfa"]
    assert second.json()["mfa_requirements"] == {"challenge": [{"type": "otp"}, {"type": "recovery-code"}]}
    assert with_otp(http, mfa_token_of(second), enrolled.app.code()).status_code == 200


def test_policy_always_asks_in_the_realm_grant_too_and_never_before_the_password(
    under: Under, people: PeopleMaker
) -> None:
    http, username = under("always", *ALL), people.make().username

    assert mfa_token_of(http.realm_login("employees", username=username))
    wrong, nobody = (http.login(username=name, password="wrong") for name in (username, "nobody-at-all"))
    assert (wrong.status_code, wrong.content) == (400, nobody.content)


def test_policy_always_leaves_clients_on_their_own_behalf_alone(under: Under) -> None:
    http = under("always", *ALL)
    m2m = {
        "client_id": "demo-m2m",
        "client_secret": "demo-m2m-secret",
        "audience": "https://api.example.com/timesheets",
    }

    assert http.token({"grant_type": "client_credentials", **m2m}).status_code == 200


def test_policy_always_without_factors_lets_nobody_in(under: Under, people: PeopleMaker) -> None:
    http = under("always")
    answer = http.login(username=people.make(email_verified=True).username)

    assert answer.json()["mfa_requirements"] == {}
    assert associate(http, mfa_token_of(answer)).json()["error"] == "invalid_request"


def test_factor_that_was_switched_off_proves_nothing_and_another_may_be_enrolled(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, username, phone = under("always", "otp", "sms"), people.make().username, f"+1202557{next(_numbers):04}"
    app = enrol(http, clock, username, mfa_token_of(http.login(username=username))).app
    clock.advance(60)
    http = under("always", "sms")
    owed = http.login(username=username)
    mfa_token = mfa_token_of(owed)

    assert owed.json()["mfa_requirements"] == {"enroll": [{"type": "phone"}]}
    assert with_otp(http, mfa_token, app.code()).status_code == 400
    made = associate(http, mfa_token, **BY_SMS, phone_number=phone)
    assert made.status_code == 200, made.text
    answer = with_oob(http, mfa_token, made.json()["oob_code"], code_in(sms_to(phone)[-1]))
    assert claims_of(answer)["amr"] == ["pwd", "sms", "mfa"]
    assert http.login(username=username).json()["mfa_requirements"] == {"challenge": [{"type": "phone"}]}


def test_factor_that_was_switched_off_opens_no_enrolment_beside_a_recovery_code(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, username = under("always", *ALL), people.make().username
    enrolled = enrol(http, clock, username, mfa_token_of(http.login(username=username)))
    http = under("always", "sms", "recovery-code")
    owed = http.login(username=username)
    mfa_token = mfa_token_of(owed)

    assert owed.json()["mfa_requirements"] == {"challenge": [{"type": "recovery-code"}]}
    answer = associate(http, mfa_token, **BY_SMS, phone_number="+12025550199")
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert with_recovery_code(http, mfa_token, enrolled.recovery_code).status_code == 200


def test_enrolled_user_still_owes_where_every_factor_was_switched_off(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, username = under("always", "otp"), people.make().username
    enrol(http, clock, username, mfa_token_of(http.login(username=username)))

    assert under("never").login(username=username).json()["mfa_requirements"] == {}


def test_of_two_first_authenticators_that_are_confirmed_at_once_one_is(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, user = under("always", "otp", "sms"), people.make()
    phone = f"+1202557{next(_numbers):04}"
    one, other = (mfa_token_of(http.login(username=user.username)) for _ in range(2))
    secret = associate(http, one).json()["secret"]
    oob_code = associate(http, other, **BY_SMS, phone_number=phone).json()["oob_code"]
    tries: list[Callable[[], Any]] = [
        lambda: with_otp(http, one, App(secret, clock).code()),
        lambda: with_oob(http, other, oob_code, code_in(sms_to(phone)[-1])),
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(one_try) for one_try in tries]]

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert people.of("employees").find(user.user_id).multifactor in ("otp", "sms")
    assert [retried().status_code for retried in tries] == [400, 400], "the other is gone, and each code was used"


# At refresh.


def test_policy_that_became_always_asks_at_refresh(under: Under, clock: Clock, people: PeopleMaker) -> None:
    http, username = under("never", *ALL), people.make(email_verified=True).username
    token = http.login(username=username, scope="offline_access").json()["refresh_token"]
    http = under("always", *ALL)
    answer = http.refresh(token)

    assert answer.json()["mfa_requirements"] == {"challenge": [{"type": "email"}]}
    assert http.log[-1]["event"] == "mfar"


def test_refresh_token_alone_enrols_nothing(under: Under, people: PeopleMaker) -> None:
    """Else whoever stole one could plant a second factor of their own, and keep the owner out."""
    http, username = under("never", *ALL), people.make().username
    token = http.login(username=username, scope="offline_access").json()["refresh_token"]
    http = under("always", *ALL)
    owed = http.refresh(token)
    mfa_token = mfa_token_of(owed)
    answer = associate(http, mfa_token)

    assert owed.json()["mfa_requirements"] == {}
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert authenticators(http, mfa_token).json() == []
    assert associate(http, mfa_token_of(http.login(username=username))).status_code == 200, "a password may"


def test_second_factor_at_refresh_begins_a_family_that_ends_no_later(
    own: Stage, externals: wiring.Externals, under: Under, clock: Clock, people: PeopleMaker
) -> None:
    def at_refresh(_: Any, context: Any) -> None:
        if context.protocol == "oauth2-refresh-token":
            context.multifactor = {"provider": "any"}

    http, user = under("always", *ALL), people.make()
    clock.now = time.time() - 12 * DAY_S
    enrolled = enrol(
        http, clock, user.username, mfa_token_of(http.login(username=user.username, scope="offline_access"))
    )
    token = enrolled.answer.json()["refresh_token"]
    clock.advance(10 * DAY_S)
    with client_with_rules(own, externals, at_refresh) as ruled_http:
        answer = with_otp(ruled_http, mfa_token_of(ruled_http.refresh(token)), enrolled.app.code())

    assert claims_of(answer)["amr"] == ["pwd", "otp", "mfa"]
    assert claims_of(answer)["auth_time"] == claims_of(enrolled.answer)["auth_time"]
    families = people.of("employees").live_families(user)
    assert len(families) == 2
    assert len({family.ends_at for family in families}) == 1


def test_narrower_scope_asked_at_refresh_stays_narrow_after_the_code(
    under: Under, clock: Clock, people: PeopleMaker
) -> None:
    http, username = under("never", *ALL), people.make().username
    scope = "offline_access read:timesheets delete:timesheets"
    token = http.login(username=username, scope=scope).json()["refresh_token"]
    http = under("always", *ALL)
    app = enrol(http, clock, username, mfa_token_of(http.login(username=username))).app
    clock.advance(60)
    narrowed = {"grant_type": "refresh_token", "refresh_token": token, "scope": "read:timesheets", **BACKEND}
    answer = with_otp(http, mfa_token_of(http.token(narrowed)), app.code(), scope=scope)

    assert answer.json()["scope"] == "read:timesheets"
    assert "refresh_token" not in answer.json()
