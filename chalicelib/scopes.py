"""Decide the scopes of a request. Pure: sets in, an ordered tuple out."""

from collections.abc import Collection

OFFLINE_ACCESS = "offline_access"
OPENID = "openid"
OIDC_SCOPES = (OPENID, "profile", "email", "phone", "address", OFFLINE_ACCESS)


def parse(scope: str) -> frozenset[str]:
    """Return the scopes of a wire string; their order and repetition do not matter. Source: RFC 6749 3.3."""
    return frozenset(scope.split(" ")) - {""}


def grant(requested: frozenset[str], api_scopes: tuple[str, ...], oidc_scopes: Collection[str]) -> tuple[str, ...]:
    """Return the granted scopes, OIDC scopes first, the API's in the order that it defines them.

    api_scopes: all that the API defines. oidc_scopes: the OIDC scopes that may be granted here.
    OIDC scopes are granted if they are requested. Of the API's, those requested are, or all if none of them is.
    A scope that is not defined is dropped. Source: docs/use/http.md "Scopes".
    """
    of_api = requested - frozenset(OIDC_SCOPES)
    oidc = tuple(scope for scope in OIDC_SCOPES if scope in requested and scope in oidc_scopes)
    return oidc + tuple(scope for scope in api_scopes if not of_api or scope in of_api)


def with_auth0_defaults(requested: frozenset[str]) -> frozenset[str]:
    """Return a login's requested scopes as Auth0 reads them: none, or `openid` alone, means five OIDC scopes."""
    return requested | frozenset(OIDC_SCOPES) - {OFFLINE_ACCESS} if requested <= {OPENID} else requested


def renew(requested: frozenset[str], before: tuple[str, ...], api_scopes: tuple[str, ...]) -> frozenset[str]:
    """Return the scopes that a refresh requests, without undefined ones. None of the API's means all of the API's.

    before: the granted scopes, which are returned if nothing is requested. The result may hold more than these; the
    caller refuses that. Source: RFC 6749 6; docs/use/http.md "Refresh tokens".
    """
    if not requested:
        return frozenset(before)
    known = requested & {*OIDC_SCOPES, *api_scopes}
    names_api = bool(known - frozenset(OIDC_SCOPES))
    return known if names_api else known | (frozenset(before) - frozenset(OIDC_SCOPES))
