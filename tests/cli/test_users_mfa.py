"""`gatehouse users mfa`: second factors listed, reset and enrolled, as the token endpoint then sees them."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import segno
from pyotp import parse_uri

from chalicelib import wiring
from chalicelib.model.user import User
from chalicelib.store.configuration.vault import data_key_alias
from infra.stage.aws import Stage
from tests.cli.account import holdings
from tests.cli.conftest import Gatehouse, Ran
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import App, associate, enrol, mfa_token_of, with_otp, with_recovery_code
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.tenant_documents import small_document

EMPLOYEES = ("--realm", "employees")
SECRET_LINE = "the secret, shown only now: "
RECOVERY_LINE = "the recovery code, shown only now: "


def first_time(user: User, context: object) -> None:
    """Ask those who have no second factor to enroll one."""
    if not user.multifactor:
        context.multifactor = {"provider": "any"}  # type: ignore[attr-defined]  # a rule has the whole context


@dataclass(frozen=True, slots=True)
class Mfa:
    """The commands, for one person."""

    gatehouse: Gatehouse
    user: User

    def run(self, word: str, *options: str, typed: str | None = None) -> Ran:
        return self.gatehouse.run("users", "mfa", word, self.user.username, *EMPLOYEES, *options, typed=typed)

    def enrolled(self, clock: Clock) -> App:
        """Enroll an app by the command."""
        return App(json.loads(self.run("enroll", "--json").out)["secret"], clock)

    def listed(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.run("list", "--json").out)
        return found


@pytest.fixture
def mfa(shared: Gatehouse, people: PeopleMaker) -> Mfa:
    """The commands, for somebody without a second factor."""
    return Mfa(shared, people.make())


@pytest.fixture
def asking(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of a server that asks everybody for a second factor."""
    with client_with_rules(stage, externals, first_time) as client:
        yield client


def password_only(http: Http, user: User) -> int:
    return http.login(username=user.username).status_code


# Enrolling


def test_enrolled_secret_logs_in_at_once(mfa: Mfa, http: Http, clock: Clock) -> None:
    app = mfa.enrolled(clock)
    mfa_token = mfa_token_of(http.login(username=mfa.user.username))

    assert with_otp(http, mfa_token, app.code()).status_code == 200


def test_enroll_draws_the_qr_code_of_the_secret_that_it_shows(mfa: Mfa, http: Http, clock: Clock) -> None:
    ran = mfa.run("enroll")
    drawing, _, shown = ran.out.partition(f"{mfa.user.user_id}: {SECRET_LINE}")
    secret = shown.splitlines()[0]
    as_json = json.loads(mfa.run("enroll", "--json").out)
    uri = as_json["barcode_uri"].replace(as_json["secret"], secret)
    expected = io.StringIO()
    segno.make_qr(uri).terminal(expected, compact=True)

    assert (ran.code, ran.err, drawing.strip()) == (0, "", expected.getvalue().strip())
    mfa_token = mfa_token_of(http.login(username=mfa.user.username))
    assert with_otp(http, mfa_token, App(secret, clock).code()).status_code == 200


def test_enroll_as_json_is_the_secret_and_its_otpauth_uri_and_at_the_first_a_recovery_code(mfa: Mfa) -> None:
    made, another = (json.loads(mfa.run("enroll", "--json").out) for _ in range(2))
    app = parse_uri(made["barcode_uri"])

    assert set(another) == {"secret", "barcode_uri"}
    assert set(made) == {*another, "recovery_codes"}
    assert (app.secret, app.issuer, app.name) == (made["secret"], "Gatehouse demo", mfa.user.email)


def test_recovery_code_of_the_first_factor_logs_in_once(mfa: Mfa, http: Http) -> None:
    first, second = mfa.run("enroll"), mfa.run("enroll")
    code = recovery_code_in(first)
    answers = [with_recovery_code(http, mfa_token_of(http.login(username=mfa.user.username)), code) for _ in range(2)]

    assert re.fullmatch("[A-Z0-9]{24}", code)
    assert [answer.status_code for answer in answers] == [200, 400]
    assert RECOVERY_LINE not in second.out


def recovery_code_in(ran: Ran) -> str:
    (line,) = [line for line in ran.out.splitlines() if RECOVERY_LINE in line]
    return line.partition(RECOVERY_LINE)[2]


def test_enroll_where_the_tenant_has_no_recovery_codes_makes_none(gatehouse: Gatehouse) -> None:
    enrolled, list_pat = with_app_where_factors_are(gatehouse, "otp")
    gatehouse.apply(small_document(mfa={"factors": ["otp", "recovery-code"]}))

    assert RECOVERY_LINE not in enrolled.out
    assert [one["authenticator_type"] for one in json.loads(gatehouse.run(*list_pat, "--json").out)] == ["otp"]


def test_what_was_enrolled_is_shown_by_no_other_command_and_stored_nowhere_readable(mfa: Mfa) -> None:
    made = json.loads(mfa.run("enroll", "--json").out)
    secrets = [made["secret"], *made["recovery_codes"]]
    shown = [
        mfa.run("enroll"),
        mfa.run("list"),
        mfa.run("list", "--json"),
        mfa.gatehouse.run("users", "show", mfa.user.username, *EMPLOYEES),
    ]
    said = "".join(ran.out + ran.err for ran in shown)

    assert [secret in said for secret in secrets] == [False, False]
    assert [secret in str(holdings(mfa.gatehouse.stage)) for secret in secrets] == [False, False]


def test_enroll_makes_one_more_beside_those_that_are_there(mfa: Mfa, http: Http, clock: Clock) -> None:
    apps = [mfa.enrolled(clock), mfa.enrolled(clock)]
    answers = [with_otp(http, mfa_token_of(http.login(username=mfa.user.username)), app.code()) for app in apps]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_enroll_drops_what_only_the_password_had_enrolled(mfa: Mfa, asking: Http, clock: Clock) -> None:
    mfa_token = mfa_token_of(asking.login(username=mfa.user.username))
    planted = App(associate(asking, mfa_token).json()["secret"], clock)
    mfa.enrolled(clock)

    assert with_otp(asking, mfa_token, planted.code()).status_code == 400
    assert [one["active"] for one in mfa.listed() if one["authenticator_type"] == "otp"] == [True]


def test_eleventh_authenticator_is_refused(mfa: Mfa) -> None:
    ran = [mfa.run("enroll", "--json") for _ in range(11)]

    assert [one.code for one in ran] == [0] * 10 + [2]
    assert ran[-1].err == f"{mfa.user.user_id} has 10 authenticators, which is the most.\n"


def test_enroll_where_the_tenant_has_no_otp_is_refused(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(mfa={"factors": ["sms"]}))
    gatehouse.run("users", "add", "--realm", "staff", "--username", "pat", "--password-stdin", typed=f"{PASSWORD}\n")
    ran = gatehouse.run("users", "mfa", "enroll", "pat", "--realm", "staff")

    assert (ran.code, ran.out, "`mfa.factors`" in ran.err) == (2, "", True)


# Listing


def test_list_shows_kind_masked_name_active_and_id(mfa: Mfa, asking: Http, clock: Clock) -> None:
    mfa_token = mfa_token_of(asking.login(username=mfa.user.username))
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+14155550123"}
    associate(asking, mfa_token, **phone)
    sms, (otp_id, *_) = mfa.listed(), enrolled_ids(mfa, asking, clock, mfa_token)
    ran = mfa.run("list")

    assert sms == [
        {
            "id": sms[0]["id"],
            "active": False,
            "authenticator_type": "oob",
            "oob_channel": "sms",
            "name": "XXXXXXXX0123",
            "offered": True,
        }
    ]
    assert ran.rows[1:] == [["otp", "active", otp_id], ["recovery-code", "active", "recovery-code|dev_own"]]
    assert "+14155550123" not in ran.out


def enrolled_ids(mfa: Mfa, http: Http, clock: Clock, mfa_token: str) -> list[str]:
    """Enroll an app as its owner does, and return the ids that are listed then."""
    enrol(http, clock, mfa.user.username, mfa_token)
    return [str(one["id"]) for one in mfa.listed()]


def test_list_shows_confirmed_factors_that_the_tenant_has_no_more_and_says_so(gatehouse: Gatehouse) -> None:
    _, list_pat = with_app_where_factors_are(gatehouse, "otp", "recovery-code")
    before = json.loads(gatehouse.run(*list_pat, "--json").out)
    gatehouse.apply(small_document(mfa={"factors": ["sms"]}))
    otp_id, recovery_id = (one["id"] for one in before)

    assert [(one["active"], one["offered"]) for one in before] == [(True, True)] * 2
    assert json.loads(gatehouse.run(*list_pat, "--json").out) == [
        {"id": otp_id, "active": True, "authenticator_type": "otp", "offered": False},
        {"id": recovery_id, "active": True, "authenticator_type": "recovery-code", "offered": False},
    ]
    withdrawn = ["active,", "not", "offered", "any", "more"]
    assert gatehouse.run(*list_pat).rows[1:] == [
        ["otp", *withdrawn, otp_id],
        ["recovery-code", *withdrawn, recovery_id],
    ]


def with_app_where_factors_are(gatehouse: Gatehouse, *factors: str) -> tuple[Ran, tuple[str, ...]]:
    """Give pat an app by the command, in a tenant with these factors; return that run, and what lists pat's."""
    gatehouse.provision(small_document(mfa={"factors": [*factors]}))
    gatehouse.run("users", "add", "--realm", "staff", "--username", "pat", "--password-stdin", typed=f"{PASSWORD}\n")
    enrolled = gatehouse.run("users", "mfa", "enroll", "pat", "--realm", "staff")
    assert enrolled.code == 0
    return enrolled, ("users", "mfa", "list", "pat", "--realm", "staff")


def test_list_of_somebody_without_factors_is_empty(mfa: Mfa) -> None:
    assert (mfa.listed(), mfa.run("list").code) == ([], 0)


# Resetting


def test_reset_asks_and_a_no_keeps_the_factors(mfa: Mfa, http: Http, clock: Clock) -> None:
    mfa.enrolled(clock)
    ran = mfa.run("reset", typed="n\n")

    assert (ran.code, ran.out.startswith(f"Remove all second factors of {mfa.user.user_id}")) == (1, True)
    assert password_only(http, mfa.user) == 403


@pytest.mark.parametrize(("options", "typed"), [((), "y\n"), (("--yes",), ""), (("-y",), "")])
def test_reset_person_logs_in_by_the_password_alone(
    mfa: Mfa, http: Http, clock: Clock, options: tuple[str, ...], typed: str
) -> None:
    app = mfa.enrolled(clock)
    waiting = mfa_token_of(http.login(username=mfa.user.username))
    ran = mfa.run("reset", *options, typed=typed)

    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"{mfa.user.user_id} has no second factor any more.")
    assert (password_only(http, mfa.user), mfa.listed()) == (200, [])
    assert with_otp(http, waiting, app.code()).status_code == 400


def test_deleted_person_leaves_no_count_of_codes(mfa: Mfa, http: Http, stage: Stage, clock: Clock) -> None:
    mfa.enrolled(clock)
    answer = http.login(username=mfa.user.username)
    assert with_otp(http, mfa_token_of(answer), "no code").status_code == 400
    before = counts_of(stage, mfa.user)
    assert mfa.gatehouse.run("users", "delete", mfa.user.user_id, *EMPLOYEES, "--yes").code == 0

    assert (before != [], counts_of(stage, mfa.user)) == (True, [])


def counts_of(stage: Stage, user: User) -> list[dict[str, object]]:
    """Return the items of the attempts table that name a user. Emails that wait there find no address any more."""
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}attempts")["Items"]
    return [dict(one) for one in items if user.user_id in str(one) and not one["pk"]["S"].startswith("mail#")]


def test_reset_removes_the_recovery_code_and_the_first_factor_brings_another(
    mfa: Mfa, asking: Http, clock: Clock
) -> None:
    before = enrol(asking, clock, mfa.user.username, mfa_token_of(asking.login(username=mfa.user.username)))
    mfa.run("reset", "--yes")
    clock.advance(60)
    after = enrol(asking, clock, mfa.user.username, mfa_token_of(asking.login(username=mfa.user.username)))

    assert before.recovery_code
    assert after.recovery_code not in ("", before.recovery_code)


def test_enroll_after_a_reset_brings_another_recovery_code(mfa: Mfa) -> None:
    before = recovery_code_in(mfa.run("enroll"))
    mfa.run("reset", "--yes")

    assert recovery_code_in(mfa.run("enroll")) != before


def test_reset_lifts_the_limit_on_codes(mfa: Mfa, http: Http, clock: Clock) -> None:
    app = mfa.enrolled(clock)
    mfa_token = mfa_token_of(http.login(username=mfa.user.username))
    tried = [with_otp(http, mfa_token, app.code(3600)).status_code for _ in range(11)]
    mfa.run("reset", "--yes")
    again = mfa.enrolled(clock)

    assert tried == [400] * 10 + [429]
    assert with_otp(http, mfa_token_of(http.login(username=mfa.user.username)), again.code()).status_code == 200


def test_reset_of_somebody_without_factors_is_fine(mfa: Mfa) -> None:
    assert (mfa.run("reset", "--yes").code, mfa.listed()) == (0, [])


def test_deleted_person_leaves_no_second_factor_behind(mfa: Mfa, clock: Clock) -> None:
    mfa.enrolled(clock)
    before = str(holdings(mfa.gatehouse.stage))
    mfa.gatehouse.run("users", "delete", mfa.user.username, *EMPLOYEES, "--yes")

    key = f"mfa#{mfa.user.user_id}"
    assert (key in before, key in str(holdings(mfa.gatehouse.stage))) == (True, False)


def test_enroll_before_the_data_key_is_there_is_one_clear_line_and_exit_2(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document(mfa={"factors": ["otp"]}))
    gatehouse.run("users", "add", "--realm", "staff", "--username", "pat", "--password-stdin", typed=f"{PASSWORD}\n")
    gatehouse.stage.clients.kms.delete_alias(AliasName=data_key_alias(gatehouse.stage.name))
    ran = gatehouse.run("users", "mfa", "enroll", "pat", "--realm", "staff")

    assert (ran.code, ran.out, "gatehouse up" in ran.err) == (2, "", True)


@pytest.mark.parametrize("word", ["list", "reset", "enroll"])
def test_nobody_of_that_name_is_one_clear_line_and_exit_2(shared: Gatehouse, word: str) -> None:
    ran = shared.run("users", "mfa", word, "nobody-at-all", *EMPLOYEES)

    assert (ran.code, ran.out, ran.err) == (2, "", "Realm employees has no user nobody-at-all.\n")
