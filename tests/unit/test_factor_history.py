"""The changes of a user's second factors, and how long they are remembered."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.enrolment import (
    HISTORY_LIFETIME_S,
    MAX_HISTORY,
    Authenticator,
    Enrolment,
    FactorChange,
    changes_between,
    forget_old,
)

NOW = 1_800_000_000
APP = Authenticator("totp|dev_1", "otp", is_active=True)
PHONE = Authenticator("sms|dev_2", "sms", "+14155550123", is_active=True)


def made(*authenticators: Authenticator, recovery_hash: str = "") -> Enrolment:
    return Enrolment("u", recovery_hash=recovery_hash, authenticators=authenticators)


def test_confirmed_factor_is_added_and_its_name_is_masked() -> None:
    assert changes_between(made(APP), made(APP, PHONE), NOW) == (FactorChange(NOW, "added", "sms", "XXXXXXXX0123"),)


def test_factor_that_waits_for_its_first_code_is_no_change() -> None:
    waiting = replace(PHONE, is_active=False)

    assert changes_between(made(APP), made(APP, waiting), NOW) == ()
    assert changes_between(made(APP, waiting), made(APP), NOW) == ()


def test_code_of_an_app_that_moves_its_step_is_no_change() -> None:
    assert changes_between(made(APP), made(replace(APP, last_step=5)), NOW) == ()


def test_reset_removes_every_factor() -> None:
    removed = changes_between(made(APP, PHONE, recovery_hash="x"), made(), NOW)

    assert [(one.action, one.kind) for one in removed] == [("removed", "otp"), ("removed", "sms")]


def test_recovery_code_that_gives_way_to_the_next_was_used() -> None:
    before, after = made(APP, recovery_hash="x"), made(APP, recovery_hash="y")

    assert changes_between(before, after, NOW) == (FactorChange(NOW, "used", "recovery-code"),)
    assert changes_between(made(), made(APP, recovery_hash="y"), NOW) == (FactorChange(NOW, "added", "otp"),)


@given(st.lists(st.integers(0, 2 * HISTORY_LIFETIME_S), max_size=120))
def test_history_holds_a_year_and_no_more_than_its_bound(ages: list[int]) -> None:
    history = tuple(FactorChange(NOW - age, "added", "otp") for age in sorted(ages, reverse=True))
    kept = forget_old(history, NOW)

    assert kept == tuple(one for one in history if NOW - one.at < HISTORY_LIFETIME_S)[-MAX_HISTORY:]
