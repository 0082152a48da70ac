"""A second factor by authenticator app, through HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyotp import TOTP

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.http import BACKEND, REPORTS, TIMESHEETS, Http
from tests.support.mfa import (
    MFA_OTP,
    App,
    EnrolledUser,
    associate,
    bearer,
    challenge,
    enrol,
    mfa_token_of,
    with_otp,
    with_recovery_code,
)
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import ask_the_unenrolled, client_with_rules
from tests.support.tokens import claims_of

TOO_MANY = "Too many failed codes. Wait for some minutes before retrying."


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, ask_the_unenrolled) as client:
        yield client


@pytest.fixture
def ada(http: Http, clock: Clock, people: PeopleMaker) -> EnrolledUser:
    """Somebody with an authenticator app, who used a code of it a minute ago."""
    user = people.make()
    enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
    clock.advance(60)
    return enrolled


def test_right_password_of_an_enrolled_user_is_mfa_required_without_tokens(http: Http, ada: EnrolledUser) -> None:
    answer = http.login(username=ada.username, scope="openid offline_access")

    assert answer.status_code == 403
    body = answer.json()
    assert set(body) == {"error", "error_description", "mfa_token", "mfa_requirements"}
    assert (body["error"], body["error_description"]) == ("mfa_required", "Multifactor authentication required")
    assert body["mfa_requirements"] == {"challenge": [{"type": "otp"}, {"type": "recovery-code"}]}
    assert http.log[-1]["event"] == "mfar"


def test_first_factor_is_asked_for_by_what_can_be_enrolled(http: Http, people: PeopleMaker) -> None:
    answer = http.login(username=people.make().username)

    enroll = [{"type": "otp"}, {"type": "phone"}, {"type": "email"}]
    assert answer.json()["mfa_requirements"] == {"enroll": enroll}


def test_verified_email_can_be_challenged_at_once(http: Http, people: PeopleMaker) -> None:
    answer = http.login(username=people.make(email_verified=True).username)

    assert answer.json()["mfa_requirements"] == {"challenge": [{"type": "email"}]}


def test_wrong_password_of_an_enrolled_user_gives_no_hint_of_mfa(http: Http, ada: EnrolledUser) -> None:
    wrong, nobody = http.login(username=ada.username, password="wrong"), http.login(username="nobody-at-all")

    assert wrong.status_code == 400
    assert wrong.json() == {"error": "invalid_grant", "error_description": "Wrong email or password."}
    assert wrong.content == nobody.content


def test_right_code_is_a_login_whose_amr_says_so(http: Http, ada: EnrolledUser, people: PeopleMaker) -> None:
    answer = with_otp(http, ada.login(http, scope="openid offline_access"), ada.app.code())

    claims = claims_of(answer)
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["gty"] == "password"
    assert claims_of(answer, "id_token")["amr"] == ["pwd", "otp", "mfa"]
    assert answer.json()["refresh_token"]
    assert http.log[-1]["event"] == "seotpft"
    assert people.of("employees").find(ada.username).logins_count == 2, "one a login, not one a request"


def test_wrong_code_is_refused_and_the_mfa_token_stays_usable(http: Http, ada: EnrolledUser) -> None:
    mfa_token = ada.login(http)
    wrong = with_otp(http, mfa_token, "000000" if ada.app.code() != "000000" else "000001")

    assert wrong.status_code == 400
    assert wrong.json() == {"error": "invalid_grant", "error_description": "Invalid otp_code."}
    assert http.log[-1]["event"] == "feotpft"
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 200


@pytest.mark.parametrize(
    "code", ["12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "123 456", "-12345", "x" * 5000]
)
def test_what_is_no_code_is_a_wrong_code(http: Http, ada: EnrolledUser, code: str) -> None:
    answer = with_otp(http, ada.login(http), code)

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Invalid otp_code.")


def test_code_is_used_once_with_another_mfa_token_too(http: Http, ada: EnrolledUser) -> None:
    first, second = ada.login(http), ada.login(http)
    code = ada.app.code()

    assert with_otp(http, first, code).status_code == 200
    again = with_otp(http, second, code)

    assert (again.status_code, again.json()["error_description"]) == (400, "Invalid otp_code.")


def test_code_of_the_step_before_is_taken_once_and_not_again_within_the_window(
    http: Http, ada: EnrolledUser, clock: Clock
) -> None:
    clock.now = clock.now // 30 * 30 + 1
    late = ada.app.code(-30)
    assert with_otp(http, ada.login(http), late).status_code == 200

    clock.advance(25)
    replay = with_otp(http, ada.login(http), late)

    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")


def test_code_of_two_steps_away_is_refused(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    mfa_token = ada.login(http)

    for skew_s in (-60, 60):
        assert with_otp(http, mfa_token, ada.app.code(skew_s)).status_code == 400
    assert with_otp(http, mfa_token, ada.app.code(30)).status_code == 200


def test_ten_wrong_codes_block_and_one_more_comes_each_six_minutes(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    mfa_token = ada.login(http)
    wrong = [with_otp(http, mfa_token, "not-it").status_code for _ in range(10)]
    blocked = with_otp(http, mfa_token, ada.app.code())

    assert wrong == [400] * 10
    assert (blocked.status_code, blocked.json()["error"]) == (429, "too_many_attempts")
    assert blocked.json()["error_description"] == TOO_MANY
    assert int(blocked.headers["Retry-After"]) == 360
    clock.advance(361)
    assert with_otp(http, mfa_token, "not-it").status_code == 400
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 429
    clock.advance(361)
    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200


def test_wrong_codes_leave_the_password_counter_alone(http: Http, ada: EnrolledUser) -> None:
    mfa_token = ada.login(http)
    for _ in range(11):
        with_otp(http, mfa_token, "not-it")

    assert ada.login(http), "the password is still looked at"


def test_right_code_gives_its_try_back_and_no_other(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    for _ in range(9):
        with_otp(http, ada.login(http), "not-it")
    assert with_otp(http, ada.login(http), ada.app.code()).status_code == 200
    clock.advance(60)

    assert with_otp(http, ada.login(http), "not-it").status_code == 400
    assert with_otp(http, ada.login(http), "not-it").status_code == 429


def test_mfa_token_is_over_after_ten_minutes(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    mfa_token = ada.login(http)
    clock.advance(600)
    answer = with_otp(http, mfa_token, ada.app.code())

    assert answer.status_code == 401
    assert answer.json() == {"error": "expired_token", "error_description": "mfa_token is expired"}


def test_mfa_token_of_another_client_is_malformed(http: Http, stage: Stage, ada: EnrolledUser) -> None:
    other = make_client(stage, secret="s")
    answer = with_otp(http, ada.login(http), ada.app.code(), client_id=other, client_secret="s")

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "Malformed mfa_token"}


def test_mfa_token_of_a_realm_that_the_client_lost_is_malformed(
    http: Http, stage: Stage, ada: EnrolledUser, clock: Clock
) -> None:
    client = {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    mfa_token = ada.login(http, **client)
    document = document_of(stage, f"client#{client['client_id']}")
    stage.config().put(f"client#{client['client_id']}", document | {"realms": ["customers"]})
    clock.advance(61)
    answer = with_otp(http, mfa_token, ada.app.code(), **client)

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Malformed mfa_token")


@pytest.mark.parametrize("mfa_token", ["x", "a.b.c", "Fe26.2**x", "ü", "x" * 5000])
def test_mfa_token_that_never_was_is_malformed(http: Http, mfa_token: str) -> None:
    answer = with_otp(http, mfa_token, "123456")

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "Malformed mfa_token"}


def test_mfa_token_is_gone_after_success(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    mfa_token = ada.login(http)
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 200
    clock.advance(60)
    replay = with_otp(http, mfa_token, ada.app.code())

    assert (replay.status_code, replay.json()["error_description"]) == (400, "Malformed mfa_token")


def test_scope_and_audience_are_those_first_asked_for(http: Http, ada: EnrolledUser) -> None:
    mfa_token = ada.login(http, scope="openid read:timesheets", audience=TIMESHEETS)
    answer = with_otp(http, mfa_token, ada.app.code(), scope="delete:timesheets", audience=REPORTS)

    assert answer.json()["scope"] == "openid read:timesheets"
    assert claims_of(answer)["aud"] == [TIMESHEETS, f"{ISSUER}userinfo"]


def test_authenticators_are_listed_for_an_mfa_token_alone(http: Http, ada: EnrolledUser) -> None:
    listed = http.get("/mfa/authenticators", headers=bearer(ada.login(http)))
    with_access_token = http.get("/mfa/authenticators", headers=bearer(ada.answer.json()["access_token"]))
    without = http.get("/mfa/authenticators")

    assert listed.status_code == 200
    otp, recovery = listed.json()
    assert otp.pop("id").startswith("totp|dev_")
    assert otp == {"authenticator_type": "otp", "active": True}
    assert recovery.pop("id").startswith("recovery-code|dev_")
    assert recovery == {"authenticator_type": "recovery-code", "active": True}
    assert (with_access_token.status_code, without.status_code) == (401, 401)
    assert with_access_token.headers["WWW-Authenticate"].startswith("Bearer ")
    assert without.headers["WWW-Authenticate"] == 'Bearer realm="gatehouse"'


def test_first_association_gives_secret_uri_and_recovery_codes(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    answer = associate(http, mfa_token_of(http.login(username=user.username)))

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"authenticator_type", "secret", "barcode_uri", "recovery_codes"}
    assert body["authenticator_type"] == "otp"
    assert len(body["secret"]) == 32
    (code,) = body["recovery_codes"]
    assert len(code) == 24
    assert code.isalnum()
    assert code == code.upper()
    name = user.email.replace("@", "%40")
    assert body["barcode_uri"] == (
        f"otpauth://totp/Gatehouse%20demo:{name}?secret={body['secret']}&issuer=Gatehouse%20demo"
        "&algorithm=SHA1&digits=6&period=30"
    )


def test_unconfirmed_authenticator_is_listed_as_inactive_and_owes_nothing(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    mfa_token = mfa_token_of(http.login(username=user.username))
    associate(http, mfa_token)

    (listed,) = http.get("/mfa/authenticators", headers=bearer(mfa_token)).json()
    assert listed["active"] is False
    assert people.of("employees").find(user.username).multifactor == ""


def test_enrolled_user_needs_more_than_an_mfa_token_to_enrol_another(http: Http, ada: EnrolledUser) -> None:
    answer = associate(http, ada.login(http))

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert "already enrolled" in answer.json()["error_description"]


def test_somebody_who_knows_the_password_cannot_confirm_a_factor_beside_the_owners(
    http: Http, clock: Clock, people: PeopleMaker
) -> None:
    user = people.make()
    thiefs = mfa_token_of(http.login(username=user.username))
    app = App(associate(http, thiefs).json()["secret"], clock)
    owner = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
    clock.advance(60)

    for mfa_token in (thiefs, owner.login(http)):
        assert with_otp(http, mfa_token, app.code()).status_code == 400
    assert with_otp(http, owner.login(http), owner.app.code()).status_code == 200


def test_recovery_code_works_once_and_is_replaced(http: Http, ada: EnrolledUser) -> None:
    answer = with_recovery_code(http, ada.login(http), ada.recovery_code)

    assert claims_of(answer)["amr"] == ["pwd", "mfa"]
    following = answer.json()["recovery_code"]
    assert len(following) == 24
    assert http.log[-1]["event"] == "sercft"
    again = with_recovery_code(http, ada.login(http), ada.recovery_code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert again.json()["error_description"] == "MFA Authorization rejected."
    assert with_recovery_code(http, ada.login(http), following).status_code == 200


def test_ten_wrong_recovery_codes_an_hour(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    mfa_token = ada.login(http)
    wrong = [with_recovery_code(http, mfa_token, "A" * 24).status_code for _ in range(10)]
    blocked = with_recovery_code(http, mfa_token, ada.recovery_code)

    assert wrong == [400] * 10
    assert (blocked.status_code, blocked.json()["error_description"]) == (429, TOO_MANY)
    assert with_otp(http, mfa_token, ada.app.code()).status_code == 200, "its bucket is another"


def test_recovery_code_of_a_user_who_has_none_is_told(http: Http, people: PeopleMaker) -> None:
    mfa_token = mfa_token_of(http.login(username=people.make().username))
    associate(http, mfa_token)
    answer = with_recovery_code(http, mfa_token, "A" * 24)

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_challenge_type")
    assert answer.json()["error_description"] == "User does not have a recovery-code."


@pytest.mark.parametrize("params", [{"acr_values": "urn:low"}, {"amr": "pwd"}, {"mfa": "false"}, {"mfa_token": "x"}])
def test_no_parameter_talks_the_server_out_of_it(http: Http, ada: EnrolledUser, params: dict[str, str]) -> None:
    assert http.login(username=ada.username, **params).json()["error"] == "mfa_required"


def test_user_who_is_blocked_before_the_code_is_refused(http: Http, ada: EnrolledUser, people: PeopleMaker) -> None:
    mfa_token = ada.login(http)
    staff = people.of("employees")
    staff.set_blocked(staff.find(ada.username), True)
    answer = with_otp(http, mfa_token, ada.app.code())

    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized")


def test_password_that_is_changed_before_the_code_ends_the_login(
    http: Http, ada: EnrolledUser, people: PeopleMaker
) -> None:
    mfa_token = ada.login(http)
    staff = people.of("employees")
    staff.set_password(staff.find(ada.username), "another long password")
    answer = with_otp(http, mfa_token, ada.app.code())

    assert (answer.status_code, answer.json()["error_description"]) == (400, "Malformed mfa_token")


def test_user_who_is_deleted_before_the_code_is_refused(http: Http, ada: EnrolledUser, people: PeopleMaker) -> None:
    mfa_token = ada.login(http)
    staff = people.of("employees")
    staff.delete(staff.find(ada.username))

    assert with_otp(http, mfa_token, ada.app.code()).status_code == 400


def test_rule_alone_asks_by_the_same_protocol(
    stage: Stage, externals: wiring.Externals, clock: Clock, people: PeopleMaker
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def always(_: Any, context: Any) -> None:
        seen.append((context.protocol, [method["name"] for method in context.authentication.methods]))
        context.multifactor = {"provider": "any", "allowRememberBrowser": False}

    user = people.make()
    with client_with_rules(stage, externals, always) as http:
        enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
        clock.advance(60)
        assert with_otp(http, enrolled.login(http), enrolled.app.code()).status_code == 200

    assert seen[:2] == [("oauth2-password", ["pwd"]), ("oauth2-password", ["pwd", "mfa"])]


def test_rule_can_let_an_enrolled_user_pass(stage: Stage, externals: wiring.Externals, ada: EnrolledUser) -> None:
    def never(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "none"}

    with client_with_rules(stage, externals, never) as http:
        assert http.login(username=ada.username).status_code == 200


def test_rule_that_denies_after_the_code_consumes_nothing(
    stage: Stage, externals: wiring.Externals, ada: EnrolledUser
) -> None:
    denies: list[str] = ["not now"]

    def late(_: Any, context: Any) -> None:
        if len(context.authentication.methods) > 1:
            for reason in denies:
                context.deny(reason)

    with client_with_rules(stage, externals, late) as http:
        mfa_token = ada.login(http)
        assert with_otp(http, mfa_token, ada.app.code()).json()["error"] == "access_denied"
        denies.clear()
        assert with_otp(http, mfa_token, ada.app.code()).status_code == 200


def test_right_codes_that_lead_to_no_token_are_no_wrong_ones(
    stage: Stage, externals: wiring.Externals, ada: EnrolledUser
) -> None:
    def late(_: Any, context: Any) -> None:
        if len(context.authentication.methods) > 1 and not finished:
            context.deny("not now")

    finished: list[bool] = []
    with client_with_rules(stage, externals, late) as http:
        mfa_token = ada.login(http)
        denied = {with_otp(http, mfa_token, ada.app.code()).status_code for _ in range(6)}
        finished.append(True)
        with failing(stage, "Sign", aws_error("InternalServerError")):
            failed = {with_otp(http, mfa_token, ada.app.code()).status_code for _ in range(6)}

        assert (denied, failed) == ({403}, {503})
        assert with_otp(http, mfa_token, ada.app.code()).status_code == 200


@pytest.mark.parametrize("client_id", ["demo-native"])
def test_client_without_mfa_grants_learns_it_at_the_first_step(http: Http, ada: EnrolledUser, client_id: str) -> None:
    answer = http.login(username=ada.username, client_id=client_id, client_secret=None)

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "unauthorized_client",
        "error_description": f"Grant type '{MFA_OTP}' not allowed for the client.",
    }


def test_refresh_of_a_login_with_mfa_asks_for_none(http: Http, ada: EnrolledUser, clock: Clock) -> None:
    login = with_otp(http, ada.login(http, scope="offline_access"), ada.app.code()).json()
    refreshed = http.refresh(login["refresh_token"])

    assert claims_of(refreshed)["amr"] == ["pwd", "otp", "mfa"]
    assert claims_of(refreshed)["gty"] == ["refresh_token", "password"]


def test_refresh_of_a_login_from_before_the_enrolment_asks_for_it(
    stage: Stage, externals: wiring.Externals, clock: Clock, people: PeopleMaker, http: Http
) -> None:
    user = people.make()
    with client_with_rules(stage, externals) as unruled:
        old = unruled.login(username=user.username, scope="offline_access read:timesheets").json()["refresh_token"]
    enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(username=user.username)))
    clock.advance(60)
    refresh = {"grant_type": "refresh_token", "refresh_token": old, **BACKEND}
    mfa_token = mfa_token_of(http.token(refresh))
    answer = with_otp(http, mfa_token, enrolled.app.code())

    assert answer.json()["scope"] == "offline_access read:timesheets"
    assert answer.json()["refresh_token"] != old
    assert mfa_token_of(http.token(refresh)), "the old token was not used up"


def test_mfa_demanded_by_a_rule_at_refresh(
    stage: Stage, externals: wiring.Externals, ada: EnrolledUser, http: Http
) -> None:
    def at_refresh(_: Any, context: Any) -> None:
        if context.protocol == "oauth2-refresh-token":
            context.multifactor = {"provider": "any"}

    token = with_otp(http, ada.login(http, scope="offline_access"), ada.app.code()).json()["refresh_token"]
    refresh = {"grant_type": "refresh_token", "refresh_token": token, **BACKEND}
    with client_with_rules(stage, externals, at_refresh) as ruled_http:
        assert ruled_http.token(refresh).json()["error"] == "mfa_required"
    assert http.token(refresh).status_code == 200, "it was not used up"


def test_parallel_tries_with_one_code_succeed_exactly_once(http: Http, ada: EnrolledUser) -> None:
    tokens = [ada.login(http) for _ in range(8)]
    code = ada.app.code()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda mfa_token: with_otp(http, mfa_token, code).status_code, tokens))

    assert sorted(statuses) == [200] + [400] * 7


def test_parallel_tries_with_one_mfa_token_succeed_exactly_once(http: Http, ada: EnrolledUser) -> None:
    mfa_token, code = ada.login(http), ada.app.code()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: with_otp(http, mfa_token, code).status_code, range(8)))

    assert statuses.count(200) == 1
    assert set(statuses) == {200, 400}


def test_parallel_wrong_codes_are_compared_ten_times_at_most(http: Http, ada: EnrolledUser) -> None:
    mfa_token = ada.login(http)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: with_otp(http, mfa_token, "not-it").status_code, range(40)))

    assert (statuses.count(400), statuses.count(429)) == (10, 30)


def test_login_with_an_app_asks_kms_to_open_one_key_and_sign_once(http: Http, stage: Stage, ada: EnrolledUser) -> None:
    with calls_of(stage) as first:
        mfa_token = ada.login(http)
    with calls_of(stage) as second:
        assert with_otp(http, mfa_token, ada.app.code()).status_code == 200

    assert "Decrypt" not in first.made
    assert "Sign" not in first.made
    assert (second.made.count("Decrypt"), second.made.count("Sign")) == (1, 1)


def test_login_without_a_factor_asks_nothing_more_than_before(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    user = people.make()
    with client_with_rules(stage, externals) as http:
        http.login(username=user.username)
        with calls_of(stage) as calls:
            http.login(username=user.username)

    assert len(calls.made) == 5
    assert "Decrypt" not in calls.made


@pytest.mark.parametrize("operation", ["Sign", "TransactWriteItems", "Decrypt", "BatchGetItem"])
def test_failing_aws_consumes_nothing_that_the_retry_needs(
    http: Http, stage: Stage, ada: EnrolledUser, operation: str
) -> None:
    mfa_token, code = ada.login(http), ada.app.code()
    with failing(stage, operation, aws_error("InternalServerError")):
        failed = with_otp(http, mfa_token, code)
    retried = with_otp(http, mfa_token, code)

    assert (failed.status_code, failed.json()["error"]) == (503, "temporarily_unavailable")
    assert retried.status_code == 200


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(at_s: int, code: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert TOTP(secret, digits=8).at(at_s) == code
    assert TOTP(secret).at(at_s) == code[-6:], "six digits are the last six"


def test_challenge_says_to_ask_the_app(http: Http, ada: EnrolledUser) -> None:
    answer = challenge(http, ada.login(http))

    assert (answer.status_code, answer.json()) == (200, {"challenge_type": "otp"})
    assert http.log[-1]["event"] == "gd_start_auth"


def test_challenge_needs_its_client(http: Http, ada: EnrolledUser) -> None:
    answer = challenge(http, ada.login(http), client_secret="wrong")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_challenge_of_a_user_without_a_factor_is_told(http: Http, people: PeopleMaker) -> None:
    answer = challenge(http, mfa_token_of(http.login(username=people.make().username)))

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_challenge_type")
    assert answer.json()["error_description"].startswith("User is not enrolled.")


def test_challenge_by_an_unknown_authenticator_is_told(http: Http, ada: EnrolledUser) -> None:
    answer = challenge(http, ada.login(http), authenticator_id="totp|dev_nobody")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authenticator")


def test_secret_is_not_readable_at_rest(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    made = associate(http, mfa_token_of(http.login(username=user.username))).json()
    table = people.of("employees").realm.users_table
    item = stage.clients.dynamodb.get_item(TableName=table, Key={"pk": {"S": f"mfa#{user.user_id}"}})["Item"]

    assert made["secret"] not in str(item)
    assert made["recovery_codes"][0] not in str(item)
    assert PASSWORD not in str(item)
