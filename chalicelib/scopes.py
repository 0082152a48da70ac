"""Which scopes a request is granted. Pure: sets in, an ordered tuple out."""

from collections.abc import Collection

OFFLINE_ACCESS = "offline_access"
OIDC_SCOPES = ("openid", "profile", "email", "phone", "address", OFFLINE_ACCESS)


def parse(scope: str) -> frozenset[str]:
    """Return the scopes of a wire string; order and repetition mean nothing. Source: RFC 6749 3.3."""
    return frozenset(scope.split(" ")) - {""}


def grant(asked: frozenset[str], api_scopes: tuple[str, ...], oidc_scopes: Collection[str]) -> tuple[str, ...]:
    """Return what is granted, OIDC scopes first, the API's in the order that it defines them.

    api_scopes: all that the API defines. oidc_scopes: those OIDC scopes that can be had here.
    The two groups do not know each other: OIDC scopes are exactly those asked; of the API's, all where none of them
    is asked, else the intersection. What nobody defines is dropped. Source: docs/http.md "Scopes".
    """
    asked_of_api = asked - frozenset(OIDC_SCOPES)
    oidc = tuple(scope for scope in OIDC_SCOPES if scope in asked and scope in oidc_scopes)
    return oidc + tuple(scope for scope in api_scopes if not asked_of_api or scope in asked_of_api)
