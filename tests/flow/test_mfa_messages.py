"""Messages are bounded for each destination, over all accounts, and nobody is sent one in vain."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.mfa import associate, challenge, emails_to, mfa_token_of, sms_to
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa

TOO_MANY = "Too many messages sent to the user. Wait for some minutes before retrying."
NUMBERS = iter(range(4_930_901_820, 4_930_901_899))


@contextmanager
def texting(stage: Stage, externals: wiring.Externals, **mfa: Any) -> Iterator[Http]:
    """Yield a client of a process that begins with other values in the tenant's section `mfa`."""
    config, tenant = stage.config(), document_of(stage, "tenant")
    config.put("tenant", tenant | {"mfa": tenant["mfa"] | mfa})
    try:
        with client_with_rules(stage, externals, require_mfa) as client:
            yield client
    finally:
        config.put("tenant", tenant)


@pytest.fixture
def http(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_with_rules(stage, externals, require_mfa) as client:
        yield client


def phone(http: Http, mfa_token: str, number: str) -> httpx.Response:
    return associate(http, mfa_token, authenticator_types=["oob"], oob_channels=["sms"], phone_number=number)


def address(http: Http, mfa_token: str, email: str) -> httpx.Response:
    return associate(http, mfa_token, authenticator_types=["oob"], oob_channels=["email"], email=email)


def waiting(http: Http, people: PeopleMaker) -> str:
    """Return the mfa_token of a person of their own."""
    return mfa_token_of(http.login(username=people.make().username))


def test_twenty_texts_go_to_one_number_in_an_hour_over_all_accounts(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    number = f"+{next(NUMBERS)}"
    for _ in range(2):
        mfa_token = waiting(http, people)
        assert {phone(http, mfa_token, number).status_code for _ in range(10)} == {200}
    refused = phone(http, waiting(http, people), number)

    assert (refused.status_code, refused.json()["error_description"]) == (429, TOO_MANY)
    assert int(refused.headers["Retry-After"]) == 180
    assert len(sms_to(number)) == 20
    clock.advance(180)
    assert phone(http, waiting(http, people), number).status_code == 200


def test_forty_emails_go_to_one_address_in_an_hour_over_all_accounts(http: Http, people: PeopleMaker) -> None:
    email = f"pumped{next(NUMBERS)}@example.com"
    for spelling in (email, email.upper()):
        mfa_token = waiting(http, people)
        assert {address(http, mfa_token, spelling).status_code for _ in range(20)} == {200}
    refused = address(http, waiting(http, people), email)

    assert (refused.status_code, refused.json()["error_description"]) == (429, TOO_MANY)
    assert len(emails_to(email)) == 20


def test_number_is_one_destination_however_it_is_typed(http: Http, people: PeopleMaker) -> None:
    digits = str(next(NUMBERS))
    for typed in (f"+{digits}", f"00{digits[:2]} {digits[2:]}"):
        mfa_token = waiting(http, people)
        assert {phone(http, mfa_token, typed).status_code for _ in range(10)} == {200}

    assert phone(http, waiting(http, people), f"+{digits[:2]}-{digits[2:]}").status_code == 429


@pytest.mark.parametrize(
    ("number", "spelling"),
    [
        ("+4930901799", "+49030901799"),
        ("+447700900123", "+4407700900123"),
        ("+12025550147", "+112025550147"),
        ("+5491123456789", "+54111523456789"),
    ],
)
def test_number_with_a_trunk_prefix_is_the_destination_without_it(
    http: Http, people: PeopleMaker, number: str, spelling: str
) -> None:
    for typed in (number, spelling):
        mfa_token = waiting(http, people)
        assert {phone(http, mfa_token, typed).status_code for _ in range(10)} == {200}

    assert [phone(http, waiting(http, people), typed).status_code for typed in (number, spelling)] == [429, 429]


def test_number_of_no_country_is_a_destination(http: Http, people: PeopleMaker) -> None:
    number = f"+999{next(NUMBERS)}"
    for _ in range(2):
        mfa_token = waiting(http, people)
        assert {phone(http, mfa_token, number).status_code for _ in range(10)} == {200}

    assert phone(http, waiting(http, people), number).status_code == 429


def test_own_email_in_unicode_is_the_destination_that_is_enrolled_in_punycode(http: Http, people: PeopleMaker) -> None:
    local = f"pumped{next(NUMBERS)}"
    owner = people.make(email=f"{local}@bücher.example", email_verified=True)
    mfa_token = mfa_token_of(http.login(username=owner.username))
    assert {challenge(http, mfa_token, challenge_type="oob").status_code for _ in range(20)} == {200}
    mfa_token = waiting(http, people)
    punycode = f"{local}@xn--bcher-kva.example"
    assert {address(http, mfa_token, punycode).status_code for _ in range(20)} == {200}

    assert address(http, waiting(http, people), punycode).status_code == 429


def test_refused_destination_costs_the_person_nothing(http: Http, people: PeopleMaker) -> None:
    number, other = f"+{next(NUMBERS)}", f"+{next(NUMBERS)}"
    for _ in range(2):
        mfa_token = waiting(http, people)
        assert {phone(http, mfa_token, number).status_code for _ in range(10)} == {200}
    mfa_token = waiting(http, people)
    assert {phone(http, mfa_token, number).status_code for _ in range(5)} == {429}

    assert {phone(http, mfa_token, other).status_code for _ in range(10)} == {200}


def test_table_holds_no_number_and_no_address_of_a_destination(http: Http, stage: Stage, people: PeopleMaker) -> None:
    number, email = f"+{next(NUMBERS)}", f"canary{next(NUMBERS)}@example.com"
    assert phone(http, waiting(http, people), number).status_code == 200
    assert address(http, waiting(http, people), email).status_code == 200
    items = str(stage.clients.dynamodb.scan(TableName=f"{stage.prefix}attempts")["Items"])

    assert "destination#" in items
    assert not [secret for secret in (number, number[1:], email) if secret in items]


def test_text_to_a_country_that_is_not_listed_is_refused_and_not_sent(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    german, american = f"+{next(NUMBERS)}", "+12025550177"
    before = len(sms_to(american))
    with texting(stage, externals, sms_countries=["DE", "AT"]) as http:
        mfa_token = waiting(http, people)
        refused = phone(http, mfa_token, american)
        assert phone(http, mfa_token, german).status_code == 200

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert refused.json()["error_description"] == "Text messages are not sent to numbers of this country."
    assert len(sms_to(american)) == before


def test_number_of_a_country_that_left_the_list_is_not_challenged(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    user, number = people.make(), f"+{next(NUMBERS)}"
    with texting(stage, externals) as http:
        phone(http, mfa_token_of(http.login(username=user.username)), number)
    with texting(stage, externals, sms_countries=["AT"]) as http:
        mfa_token = mfa_token_of(http.login(username=user.username))
        refused = phone(http, mfa_token, number)

    assert refused.status_code == 400
    assert len(sms_to(number)) == 1


def test_countries_that_share_a_calling_code_are_told_apart(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    with texting(stage, externals, sms_countries=["US"]) as http:
        jamaican = phone(http, waiting(http, people), "+18762345678")
        american = phone(http, waiting(http, people), "+12025550178")

    assert (jamaican.status_code, american.status_code) == (400, 200)


@pytest.mark.parametrize("key", ["max_texts_per_hour", "max_emails_per_hour"])
def test_stage_sends_no_more_messages_than_the_tenant_says(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Clock, key: str
) -> None:
    def sent(http: Http) -> int:
        mfa_token, number = waiting(http, people), next(NUMBERS)
        if key == "max_texts_per_hour":
            return phone(http, mfa_token, f"+{number}").status_code
        return address(http, mfa_token, f"to{number}@example.com").status_code

    # What other tests sent is long over.
    clock.advance(30 * 86_400)
    with texting(stage, externals, **{key: 2}) as http:
        statuses = [sent(http) for _ in range(3)]
        clock.advance(1800)
        later = sent(http)

    assert (statuses, later) == ([200, 200, 429], 200)


def test_parallel_enrolments_send_as_many_messages_as_were_stored(http: Http, people: PeopleMaker) -> None:
    number, mfa_token = f"+{next(NUMBERS)}", waiting(http, people)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: phone(http, mfa_token, number).status_code, range(8)))

    assert set(statuses) <= {200, 400}
    assert len(sms_to(number)) == statuses.count(200) >= 1
    again = {phone(http, mfa_token, number).status_code for _ in range(10 - statuses.count(200))}
    assert again == {200}, "a refused enrolment took nothing from the person's allowance"


def test_enrolment_that_was_not_stored_sends_nothing(http: Http, stage: Stage, people: PeopleMaker) -> None:
    number, mfa_token = f"+{next(NUMBERS)}", waiting(http, people)
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError"), range(1)):
        failed = phone(http, mfa_token, number)

    assert (failed.status_code, sms_to(number)) == (503, [])
    assert phone(http, mfa_token, number).status_code == 200


def test_challenge_that_was_not_sent_costs_nothing(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make(email_verified=True)
    mfa_token = mfa_token_of(http.login(username=user.username))
    with failing(stage, "SendEmail", aws_error("TooManyRequestsException")):
        assert {challenge(http, mfa_token).status_code for _ in range(22)} == {503}

    assert {challenge(http, mfa_token).status_code for _ in range(20)} == {200}
    assert challenge(http, mfa_token).status_code == 429


def test_failure_of_aws_between_two_allowances_costs_the_person_nothing(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    number, mfa_token = f"+{next(NUMBERS)}", waiting(http, people)
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), about="destination#"):
        assert {phone(http, mfa_token, number).status_code for _ in range(11)} == {503}

    assert {phone(http, mfa_token, number).status_code for _ in range(10)} == {200}
