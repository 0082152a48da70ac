"""One password in several spellings, through HTTP: imported hashes of the decomposed form, and long ones."""

import unicodedata

import bcrypt
import pytest

from chalicelib.passwords.hash import verify
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.fixed import BCRYPT_COST, Hashes
from tests.support.http import Http, visible_parts
from tests.support.people import PeopleMaker

COMPOSED = "caf\u00e9 au lait sans sucre"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
# As many as a form of 16 KiB holds.
MARKS = "\u0301\u0316" * 1250


def imported(people: PeopleMaker, password: str = DECOMPOSED, cost: int = BCRYPT_COST) -> str:
    """Make a person with a hash of another server, which does not normalise; return the username."""
    stored = bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()
    return people.make(password=None, password_hash=stored).username


def stored_hash(people: PeopleMaker, name: str) -> str:
    return people.of("employees").find(name).password_hash


@pytest.mark.parametrize("cost", [BCRYPT_COST, BCRYPT_COST + 1])
def test_imported_hash_of_the_decomposed_form_lets_in_and_is_renewed_at_once(
    http: Http, people: PeopleMaker, cost: int
) -> None:
    name = imported(people, cost=cost)
    before = stored_hash(people, name)

    assert http.login(username=name, password=COMPOSED).status_code == 400
    assert http.login(username=name, password=DECOMPOSED).status_code == 200
    renewed = stored_hash(people, name)
    assert renewed != before
    assert verify(COMPOSED, renewed)
    assert [http.login(username=name, password=typed).status_code for typed in (COMPOSED, DECOMPOSED)] == [200, 200]
    assert stored_hash(people, name) == renewed


def test_renewal_costs_no_call_more(http: Http, stage: Stage, people: PeopleMaker) -> None:
    name = imported(people)
    http.login()
    with calls_of(stage) as calls:
        http.login(username=name, password=DECOMPOSED)

    assert len(calls.made) == 5


@pytest.mark.parametrize("password", [DECOMPOSED + "x", MARKS, "p" * 1025], ids=["decomposed", "marks", "long"])
def test_wrong_password_is_answered_alike_for_everybody(
    http: Http, people: PeopleMaker, hashes: Hashes, password: str
) -> None:
    names = (imported(people), people.make().username, people.make(password=None).username, "nobody by this name")
    answers = [visible_parts(http.login(username=name, password=password)) for name in names]

    assert answers == answers[:1] * len(names)
    assert answers[0][0]["status"] == "400"
    assert hashes.count == len(names)
