"""Which scopes a request is granted. Pure: sets in, an ordered tuple out."""

from collections.abc import Collection

OFFLINE_ACCESS = "offline_access"
OPENID = "openid"
OIDC_SCOPES = (OPENID, "profile", "email", "phone", "address", OFFLINE_ACCESS)


def parse(scope: str) -> frozenset[str]:
    """Return the scopes of a wire string; order and repetition mean nothing. Source: RFC 6749 3.3."""
    return frozenset(scope.split(" ")) - {""}


def grant(asked: frozenset[str], api_scopes: tuple[str, ...], oidc_scopes: Collection[str]) -> tuple[str, ...]:
    """Return what is granted, OIDC scopes first, the API's in the order that it defines them.

    api_scopes: all that the API defines. oidc_scopes: those OIDC scopes that can be had here.
    The two groups do not know each other: OIDC scopes are exactly those asked; of the API's, all where none of them
    is asked, else the intersection. What nobody defines is dropped. Source: docs/use/http.md "Scopes".
    """
    asked_of_api = asked - frozenset(OIDC_SCOPES)
    oidc = tuple(scope for scope in OIDC_SCOPES if scope in asked and scope in oidc_scopes)
    return oidc + tuple(scope for scope in api_scopes if not asked_of_api or scope in asked_of_api)


def with_auth0_defaults(asked: frozenset[str]) -> frozenset[str]:
    """Return what a login asks for as Auth0 reads it: no scope, or `openid` alone, means five OIDC scopes."""
    return asked | frozenset(OIDC_SCOPES) - {OFFLINE_ACCESS} if asked <= {OPENID} else asked


def renew(asked: frozenset[str], before: tuple[str, ...], api_scopes: tuple[str, ...]) -> frozenset[str]:
    """Return what a refresh asks for: what nobody defines is dropped, and no scope of the API named means all.

    before: what was granted, and what nothing asked means. The result may hold more than that, which is refused.
    Source: RFC 6749 6; docs/use/http.md "Refresh tokens".
    """
    if not asked:
        return frozenset(before)
    known = asked & {*OIDC_SCOPES, *api_scopes}
    names_api = bool(known - frozenset(OIDC_SCOPES))
    return known if names_api else known | (frozenset(before) - frozenset(OIDC_SCOPES))
