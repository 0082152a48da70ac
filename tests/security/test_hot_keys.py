"""No key of DynamoDB gets hot: a stub gives each 1,000 writes and 3,000 reads a second of simulated time."""

import pytest

from tests.figures.hot_keys import Outcome, attack, many_people
from tests.figures.simulation import USERNAME, provision_demo

ZERO_WIDTH = "\u200b"
pytestmark = pytest.mark.usefixtures("stage")


def busiest(outcome: Outcome) -> float:
    """Return the largest share of its limit that any key had in a second."""
    return max(outcome.most.values())


def test_five_thousand_refused_guesses_a_second_at_one_person_leave_them_their_logins() -> None:
    outcome = attack(provision_demo("hot-person"))

    assert outcome.let_in >= 0.999


def test_guesses_in_ever_new_spellings_of_the_name_leave_them_their_logins_too() -> None:
    outcome = attack(
        provision_demo("hot-spelled"), seconds=6, type_name=lambda number: ZERO_WIDTH * (number % 300) + USERNAME
    )

    assert outcome.let_in >= 0.999


def test_without_the_memory_such_an_attack_keeps_the_person_out() -> None:
    outcome = attack(provision_demo("hot-person-forgets"), seconds=2, has_memory=False)

    assert outcome.let_in < 0.999
    assert outcome.throttled > 5_000


def test_ten_thousand_logins_a_second_by_one_address_use_below_30_percent_of_every_keys_limits() -> None:
    outcome = many_people(provision_demo("hot-people"))

    assert outcome.let_in == 1
    assert outcome.throttled == 0
    assert busiest(outcome) < 0.3


def test_without_the_memory_their_address_is_a_hot_key() -> None:
    outcome = many_people(provision_demo("hot-people-forget"), has_memory=False)

    assert outcome.most["read", ("gatehouse-hot-people-forget-attempts", "address#198.51.100.7", "logins")] > 0.9
    assert outcome.let_in < 0.5


def test_in_one_shard_the_revocations_are_a_hot_key() -> None:
    outcome = many_people(provision_demo("hot-shard"), choose=lambda _: 0)

    assert outcome.most["read", ("gatehouse-hot-shard-sessions", "revoked#employees#0", "counts")] > 0.9
    assert outcome.let_in < 0.5
