"""Which scopes are granted (RFC 6749 3.3; docs/use/http.md "Audience and scopes")."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.scopes import OIDC_SCOPES, grant, parse

API = ("read", "write", "delete")
NAMES = st.sampled_from([*API, *OIDC_SCOPES, "nope", "READ", ""])
ASKED = st.lists(NAMES, max_size=12)
OFFERED = st.sets(st.sampled_from(OIDC_SCOPES))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("", set()),
        (" ", set()),
        ("read", {"read"}),
        ("read write", {"read", "write"}),
        ("  read   read ", {"read"}),
        ("read\twrite", {"read\twrite"}),
        ("read,write", {"read,write"}),
        ("Read", {"Read"}),
    ],
)
def test_scope_is_parted_at_spaces_alone(scope: str, expected: set[str]) -> None:
    assert parse(scope) == expected


@settings(max_examples=300)
@given(ASKED.flatmap(lambda asked: st.tuples(st.just(asked), st.permutations(asked * 2))))
def test_order_and_repetition_mean_nothing(spelled: tuple[list[str], list[str]]) -> None:
    asked, shuffled = spelled

    assert parse(" ".join(shuffled)) == parse(" ".join(asked)) == set(asked) - {""}


@settings(max_examples=500)
@given(ASKED, OFFERED)
def test_nothing_is_granted_that_nobody_defines(asked: list[str], offered: set[str]) -> None:
    assert set(grant(parse(" ".join(asked)), API, offered)) <= {*API, *offered}


@settings(max_examples=500)
@given(ASKED, OFFERED)
def test_oidc_scopes_are_those_asked_and_offered(asked: list[str], offered: set[str]) -> None:
    granted = grant(parse(" ".join(asked)), API, offered)

    assert set(granted) & set(OIDC_SCOPES) == set(asked) & offered


@settings(max_examples=500)
@given(ASKED, OFFERED)
def test_api_scopes_are_all_or_those_asked(asked: list[str], offered: set[str]) -> None:
    asked_of_api = set(asked) - set(OIDC_SCOPES) - {""}
    granted = set(grant(parse(" ".join(asked)), API, offered)) - set(OIDC_SCOPES)

    assert granted == (asked_of_api & set(API) if asked_of_api else set(API))


@settings(max_examples=300)
@given(ASKED, OFFERED)
def test_scopes_are_granted_once_in_one_order(asked: list[str], offered: set[str]) -> None:
    granted = grant(parse(" ".join(asked)), API, offered)

    assert list(granted) == sorted(set(granted), key=(*OIDC_SCOPES, *API).index)


@settings(max_examples=300)
@given(ASKED, OFFERED)
def test_asking_for_what_was_granted_grants_the_same(asked: list[str], offered: set[str]) -> None:
    granted = grant(parse(" ".join(asked)), API, offered)
    again = grant(frozenset(granted), API, offered)

    # Of an API's scopes none can be granted only where an unknown one was asked; asked again, none means all.
    assert again == granted or not set(granted) & set(API)


def test_api_without_scopes_grants_none() -> None:
    assert grant(frozenset({"read"}), (), ()) == ()
    assert grant(frozenset(), (), OIDC_SCOPES) == ()
