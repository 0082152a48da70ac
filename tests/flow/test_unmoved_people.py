"""People who have not moved yet, and accounts: docs/run/moving-people.md "Until everybody has moved"."""

from collections.abc import Iterator

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.accounts import NEW_PASSWORD, OPEN, PASSWORD, ask_reset, log_in, mails, sign_up, ticket_of, verify
from tests.support.http import Http
from tests.support.legacy import Store, client_with_legacy
from tests.support.people import PeopleMaker

SIGNUP = {"enabled": True}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def moving(stage: Stage, externals: wiring.Externals, store: Store) -> Iterator[Http]:
    """A client of an application whose realm takes sign-ups beside the legacy store."""
    with client_with_legacy(stage, externals, store, signup=SIGNUP) as client:
        yield client.at("127.0.0.1")


def test_sign_up_takes_the_name_of_somebody_who_has_not_moved(moving: Http, store: Store, people: PeopleMaker) -> None:
    email = store.add(password=PASSWORD, user_id=f"kept{people.make().username}")

    assert sign_up(moving, OPEN, email, NEW_PASSWORD).status_code == 200
    assert log_in(moving, OPEN, email).status_code == 400
    assert log_in(moving, OPEN, email, NEW_PASSWORD).status_code == 200
    assert store.asked == []
    assert people.of(OPEN).find(email).migrated_at == 0


def test_sign_up_that_waits_for_its_email_lets_the_person_move_meanwhile(
    stage: Stage, externals: wiring.Externals, store: Store
) -> None:
    email = store.add(password=PASSWORD)
    signup = SIGNUP | {"requires_verified_email": True}
    with client_with_legacy(stage, externals, store, signup=signup) as client:
        http = client.at("127.0.0.1")
        assert sign_up(http, OPEN, email, NEW_PASSWORD).status_code == 200
        ticket = ticket_of(mails(http, email)[-1])
        assert log_in(http, OPEN, email).status_code == 200
        assert log_in(http, OPEN, email, NEW_PASSWORD).status_code == 400
        assert verify(http, OPEN, ticket=ticket).status_code == 400
        assert log_in(http, OPEN, email).status_code == 200
        assert log_in(http, OPEN, email, NEW_PASSWORD).status_code == 400


def test_forgotten_password_of_somebody_who_has_not_moved_sends_nothing(moving: Http, store: Store) -> None:
    email = store.add(password=PASSWORD)

    known = ask_reset(moving, OPEN, "alice@example.com")
    asked = ask_reset(moving, OPEN, email)

    assert (asked.status_code, asked.content) == (known.status_code, known.content)
    assert mails(moving, email) == []
    assert store.asked == []
    assert log_in(moving, OPEN, email).status_code == 200


def test_person_who_was_imported_without_a_password_sets_one_by_email(
    moving: Http, store: Store, people: PeopleMaker
) -> None:
    email = store.add(password=PASSWORD)
    people.make(username=email.partition("@")[0], email=email, password=None, email_verified=True)

    assert log_in(moving, OPEN, email).status_code == 400
    assert ask_reset(moving, OPEN, email).status_code == 200
    assert mails(moving, email)
    assert store.asked == []
