"""One name in several spellings, through HTTP: what is trimmed, what is refused, and who was stored before."""

import pytest

from chalicelib.identifiers import canonical
from chalicelib.store.dynamo import to_item
from infra.errors import OperatorError
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.fixed import Hashes
from tests.support.http import Http, visible_parts
from tests.support.people import PeopleMaker

FAILED_LOGIN_CALLS = 5
UNICODE, PUNYCODE = "bücher.example", "xn--bcher-kva.example"


def status(http: Http, name: str) -> int:
    return http.login(username=name).status_code


def stored_before(stage: Stage, people: PeopleMaker, former: str, **name: str) -> str:
    """Make a person of one name, whose login item has the key that the rule of before gave it; return the user_id."""
    user, ((kind, typed),) = people.make(**{"username": "", "email": ""} | name), name.items()
    table, dynamodb = people.of("employees").realm.users_table, stage.clients.dynamodb
    dynamodb.delete_item(TableName=table, Key=to_item({"pk": f"login#{canonical(typed)}"}))
    item = {"pk": f"login#{former}", "kind": kind, "user_id": user.user_id}
    dynamodb.put_item(TableName=table, Item=to_item(item))
    return user.user_id


@pytest.mark.parametrize(
    "typed", ["\t{}", "{}\r\n", "\ufeff{}", "{}\u200b", "\u200e{}\u200f", " {}\u00ad \x00", "{}\u2060"]
)
def test_what_shows_as_nothing_around_a_name_changes_nothing(http: Http, people: PeopleMaker, typed: str) -> None:
    assert status(http, typed.format(people.make().username)) == 200


def test_invisible_character_inside_makes_another_name_that_nobody_is_given(
    http: Http, people: PeopleMaker, hashes: Hashes
) -> None:
    name = people.make().username
    typed = f"{name[:3]}\u200b{name[3:]}"

    with pytest.raises(OperatorError, match=r"characters that show as nothing"):
        people.make(username=typed)
    assert visible_parts(http.login(username=typed)) == visible_parts(http.login(username="nobody by this name"))
    assert hashes.count == 2


def test_person_is_stored_under_the_trimmed_name(people: PeopleMaker) -> None:
    user = people.make(username="\ufeffTrimmed Name\u200b", email="\u200etrimmed@example.com\n")

    assert (user.username, user.email) == ("Trimmed Name", "trimmed@example.com")


@pytest.mark.parametrize("stored", [UNICODE, PUNYCODE])
def test_email_is_one_name_in_unicode_and_punycode(http: Http, people: PeopleMaker, stored: str) -> None:
    user = people.make(email=f"Ana@{stored}")
    spelled = [f"ana@{UNICODE}", f"ana@{PUNYCODE}", f"ANA@{UNICODE.upper()}", f"ana@{PUNYCODE.upper()}"]

    assert [status(http, name) for name in spelled] == [200] * 4
    for name in spelled:
        with pytest.raises(OperatorError, match="has a user of that"):
            people.make(email=name)
    people.of("employees").delete(user)
    assert [status(http, name) for name in spelled] == [400] * 4


def test_unknown_email_is_counted_as_one_in_both_spellings(http: Http) -> None:
    names = [f"nobody@{UNICODE}", f"nobody@{PUNYCODE}"]

    assert [status(http, names[turn % 2]) for turn in range(11)] == [400] * 10 + [429]


BEFORE = {
    "punycode": ({"email": f"before1@{PUNYCODE}"}, f"before1@{PUNYCODE}"),
    "capitals": ({"email": f"Before2@{PUNYCODE.upper()}"}, f"before2@{PUNYCODE}"),
    "fullwidth": ({"email": "before3@\uff45xample.com"}, "before3@\uff45xample.com"),
    "mark at the end": ({"username": "before4"}, "before4\u200b"),
}


@pytest.mark.parametrize(("names", "former"), BEFORE.values(), ids=BEFORE)
def test_person_stored_under_the_form_of_before_is_found_by_typing_it(
    http: Http, stage: Stage, people: PeopleMaker, names: dict[str, str], former: str
) -> None:
    user_id = stored_before(stage, people, former, **names)
    staff = people.of("employees")

    assert (status(http, former), status(http, former.upper())) == (200, 200)
    assert staff.find(former).user_id == user_id


def test_name_of_somebody_stored_before_is_not_given_again(stage: Stage, people: PeopleMaker) -> None:
    stored_before(stage, people, f"taken@{PUNYCODE}", email=f"taken@{PUNYCODE}")

    with pytest.raises(OperatorError, match="has a user of that"):
        people.make(email=f"taken@{PUNYCODE}")


def test_person_stored_before_and_one_of_the_same_canonical_name_are_each_found_and_deleted_alone(
    http: Http, stage: Stage, people: PeopleMaker
) -> None:
    before = stored_before(stage, people, f"both@{PUNYCODE}", email=f"both@{PUNYCODE}")
    after = people.make(email=f"both@{UNICODE}")
    staff = people.of("employees")

    assert [staff.find(f"both@{domain}").user_id for domain in (PUNYCODE, UNICODE)] == [before, after.user_id]
    staff.delete(staff.find(before))
    assert staff.find(f"both@{PUNYCODE}").user_id == after.user_id
    assert status(http, f"both@{UNICODE}") == 200


@pytest.mark.parametrize("domain", ["example.com", UNICODE, PUNYCODE])
def test_login_with_any_domain_costs_the_same_calls_for_everybody(
    http: Http, stage: Stage, people: PeopleMaker, domain: str
) -> None:
    known = people.make(email=f"calls-{len(domain)}@{domain}").email
    http.login()
    made = []
    for name in (known, f"nobody-{len(domain)}@{domain}"):
        with calls_of(stage) as calls:
            http.login(username=name, password="wrong")
        made.append(sorted(calls.made))

    assert made[0] == made[1]
    assert len(made[0]) == FAILED_LOGIN_CALLS
