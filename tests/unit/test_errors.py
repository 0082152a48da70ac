"""The error tree: what each error says on the wire, and what it keeps to itself (RFC 6749 5.2)."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib import errors
from chalicelib.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    MethodNotAllowed,
    RateLimit,
    RequestTooLarge,
    TemporarilyUnavailable,
    TooManyAttempts,
    WireError,
    echo,
    printable,
)

# RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E.
DESCRIBABLE = {*map(chr, range(0x20, 0x7F))} - {'"', "\\"}
# For each error its status: RFC 6749 5.2 says 400, and 401 for invalid_client; the others are in docs/use/http.md.
TREE = {
    "InvalidRequest": ("invalid_request", 400),
    "InvalidBody": ("invalid_body", 400),
    "InvalidQueryString": ("invalid_query_string", 400),
    "InexistentUser": ("inexistent_user", 404),
    "Conflict": ("auth0_idp_error", 409),
    "TooManyRequests": ("too_many_requests", 429),
    "RequestTooLarge": ("invalid_request", 413),
    "UnsupportedMediaType": ("invalid_request", 415),
    "InvalidClient": ("invalid_client", 401),
    "InvalidGrant": ("invalid_grant", 400),
    "InvalidTarget": ("invalid_target", 400),
    "InvalidScope": ("invalid_scope", 400),
    "UnsupportedTokenType": ("unsupported_token_type", 400),
    "InvalidToken": ("invalid_token", 401),
    "ExpiredToken": ("expired_token", 401),
    "AuthorizationPending": ("authorization_pending", 400),
    "SlowDown": ("slow_down", 400),
    "UnsupportedChallengeType": ("unsupported_challenge_type", 400),
    "InvalidAuthenticator": ("invalid_authenticator", 400),
    "InsufficientScope": ("insufficient_scope", 403),
    "InvalidSignup": ("invalid_signup", 400),
    "UsernameExists": ("username_exists", 400),
    "InvalidPassword": ("invalid_password", 400),
    "SignupDisabled": ("signup_disabled", 403),
    "AccessDenied": ("access_denied", 403),
    "InteractionRequired": ("interaction_required", 403),
    "MfaRequired": ("mfa_required", 403),
    "UnauthorizedClient": ("unauthorized_client", 400),
    "UnsupportedGrantType": ("unsupported_grant_type", 400),
    "Unauthorized": ("unauthorized", 403),
    "PasswordLeaked": ("password_leaked", 401),
    "NotFound": ("not_found", 404),
    "MethodNotAllowed": ("method_not_allowed", 405),
    "TooManyAttempts": ("too_many_attempts", 429),
    "ServerError": ("server_error", 500),
    "TemporarilyUnavailable": ("temporarily_unavailable", 503),
}


def below(root: type[WireError]) -> Iterator[type[WireError]]:
    """Return the errors that the package itself puts below this one."""
    for error in root.__subclasses__():
        if error.__module__.startswith(f"{errors.__name__}."):
            yield error
            yield from below(error)


def test_tree_is_the_one_that_the_contract_names() -> None:
    assert {error.__name__: (error.error, error.status) for error in below(WireError)} == TREE


def test_docstring_draws_the_tree() -> None:
    drawn = re.findall(r"([A-Z]\w+) (\d{3})", errors.__doc__ or "")

    assert {name: int(status) for name, status in drawn} == {name: status for name, (_, status) in TREE.items()}


@pytest.mark.parametrize("error", [*below(WireError)])
def test_every_error_says_what_it_is_for(error: type[WireError]) -> None:
    assert error.__doc__
    assert error.__doc__ != WireError.__doc__


@settings(max_examples=500)
@given(st.text(max_size=500))
@example('"\\\x00\x1f\x7f\x80\r\n\u2028\ud800😀')
def test_description_is_printable_ascii_without_quote_and_backslash(text: str) -> None:
    assert set(InvalidGrant(text).description) <= DESCRIBABLE
    assert len(InvalidGrant(text).description) == min(len(text), 300)


@given(st.text(st.sampled_from(sorted(DESCRIBABLE)), max_size=300))
def test_what_may_be_described_is_left_as_it_is(text: str) -> None:
    assert printable(text) == text


@given(st.text(max_size=500))
def test_echo_is_short_and_printable(text: str) -> None:
    assert set(echo(text)) <= DESCRIBABLE
    assert len(echo(text)) == min(len(text), 100)


def test_reason_is_the_description_unless_given() -> None:
    assert InvalidGrant("Wrong.").reason == "Wrong."
    assert InvalidGrant("Wrong.", reason="unknown user").reason == "unknown user"
    assert InvalidGrant("Wrong.", reason="unknown user").description == "Wrong."


def test_log_code_is_none_unless_given() -> None:
    assert InvalidGrant("Wrong.").event == ""
    assert InvalidGrant("Wrong.", event="fp").event == "fp"


def test_error_without_headers_adds_none() -> None:
    assert InvalidRequest("x").headers == {}


@pytest.mark.parametrize("reason", ["no client of that id", "the proof does not hold"])
def test_invalid_client_says_the_same_whatever_the_reason(reason: str) -> None:
    assert InvalidClient(reason=reason).description == "Client authentication failed."
    assert InvalidClient(reason=reason).reason == reason


def test_too_many_attempts_says_when_to_come_back() -> None:
    assert TooManyAttempts("x", retry_after_s=42, event="limit_wc").headers == {"Retry-After": "42"}
    told = TooManyAttempts("x", retry_after_s=42, event="limit_wc", rate_limit=RateLimit(10, 1_800_000_042))
    assert told.headers == {
        "Retry-After": "42",
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1800000042",
    }


def test_temporarily_unavailable_says_when_to_come_back_and_never_why() -> None:
    error = TemporarilyUnavailable(reason="get_item: ThrottlingException")

    assert error.headers == {"Retry-After": "1"}
    assert "get_item" not in error.description
    assert error.reason == "get_item: ThrottlingException"


def test_wrong_method_names_the_right_ones() -> None:
    error = MethodNotAllowed(("GET", "HEAD"), "It says why.")

    assert error.headers == {"Allow": "GET, HEAD"}
    assert error.description == "This path takes GET, HEAD only. It says why."
    assert MethodNotAllowed(("POST",)).description == "This path takes POST only."


def test_too_large_is_an_invalid_request() -> None:
    assert issubclass(RequestTooLarge, InvalidRequest)
