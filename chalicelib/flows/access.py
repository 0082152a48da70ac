"""The access of a login: an audience and scopes, from what the request names and what may be granted."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from chalicelib import scopes
from chalicelib.errors import InvalidRequest, InvalidScope, InvalidTarget, echo
from chalicelib.model.login import Access, Login, Original, RequestedAccess
from chalicelib.model.request import Request
from chalicelib.model.tenant import (
    MANAGEMENT_SCOPES,
    MFA_SCOPES,
    MFA_TOKEN_LIFETIME_S,
    REFRESH_TOKEN,
    Api,
    Client,
    management_audience,
    mfa_audience,
)
from chalicelib.store.configuration.config import ConfigStore

# The target of a token if no API was named.
USERINFO = Api("", "/userinfo")
# The end of the names of dialects whose tokens have the claim `permissions`.
AUTHZ = "_authz"


@dataclass(slots=True, eq=False, repr=False)
class AccessPolicy:
    """Decides which access a login is granted."""

    config: ConfigStore

    def read_request(self, request: Request, bound: Client | None) -> RequestedAccess:
        """Return the access that a request names; raises InvalidTarget for an unknown API, before any proof is read.

        bound: the client whose `apis` limit the login, None for a client on its own behalf.
        """
        audience, resource = request.params.get("audience"), request.params.get("resource")
        if audience is not None and resource is not None and audience != resource:
            raise InvalidRequest("audience and resource differ.")
        named = audience or resource
        if named is not None:
            self._api(named, request.issuer, bound)
        return RequestedAccess(named, scopes.parse(request.params.get("scope", "")))

    def grant(self, request: Request, requested: RequestedAccess, client: Client, login: Login) -> Access:
        """Return the access that is granted; raises InvalidScope, InvalidTarget if an earlier login granted less."""
        original, bound = login.original, client if login.user else None
        if original is not None and requested.audience not in (None, original.audience):
            raise InvalidTarget("The audience differs from the one that was granted.")
        audience = original.audience if original else requested.audience or self.config.tenant().default_audience
        api = self._api(audience, request.issuer, bound) if audience else None
        oidc_scopes, permitted = _oidc_scopes(api, client), _permitted(api, login)
        if original is None:
            granted = scopes.grant(self._with_default_scopes(requested), permitted, oidc_scopes)
        else:
            wanted = _narrow(requested, original, api.scopes if api else (), login)
            granted = tuple(one for one in original.scopes if one in wanted and one in {*permitted, *oidc_scopes})
        return replace(_access(api, granted, client), permissions=_permissions(api, granted, login))

    def limit(self, request: Request, granted: Access, wanted: Access, client: Client) -> Access:
        """Return the access as rules changed it, without OIDC scopes that no login may have here.

        granted: the access before the rules ran. wanted: the access after.
        """
        if wanted.scopes == granted.scopes:
            return wanted
        api = self._api(granted.audience, request.issuer, None) if granted.audience else None
        denied = frozenset(scopes.OIDC_SCOPES) - _oidc_scopes(api, client)
        kept = tuple(one for one in wanted.scopes if one not in denied)
        if api is None or not api.enforce_policies or wanted.permissions is None:
            return replace(wanted, scopes=kept)
        return replace(wanted, scopes=kept, permissions=_in_order(api, kept))

    def _with_default_scopes(self, requested: RequestedAccess) -> frozenset[str]:
        named = requested.scopes
        return scopes.with_auth0_defaults(named) if self.config.tenant().has_auth0_scopes else named

    def _api(self, audience: str, issuer: str, bound: Client | None) -> Api:
        if audience == mfa_audience(issuer):
            return Api(audience, "MFA API", MFA_SCOPES, token_lifetime_s=MFA_TOKEN_LIFETIME_S)
        if audience == management_audience(issuer) and bound is None:
            return Api(audience, "Management API", MANAGEMENT_SCOPES)
        api = self.config.api_of(audience, bound) if bound else self.config.api(audience)
        if api is None:
            raise InvalidTarget(f"Service not found: {echo(audience)}")
        return api


def _narrow(
    requested: RequestedAccess, original: Original, api_scopes: tuple[str, ...], login: Login
) -> frozenset[str]:
    """Return the scopes to grant of those that were granted before; raises InvalidScope if the request names more.

    A client on its own behalf gets exactly the scopes that it names, or its whole client grant.
    """
    is_own = login.user is None
    named = requested.scopes
    wanted = named if is_own and named else scopes.renew(named, original.scopes, api_scopes)
    if not wanted <= frozenset(original.scopes):
        raise InvalidScope("The scope is wider than what was granted.")
    return wanted


def _permitted(api: Api | None, login: Login) -> tuple[str, ...]:
    """Return the scopes of an API that a login may have: all of them, or what a user's policies permit."""
    if api is None:
        return ()
    return _in_order(api, _held(api, login)) if api.enforce_policies and login.user else api.scopes


def _permissions(api: Api | None, granted: tuple[str, ...], login: Login) -> tuple[str, ...] | None:
    """Return the claim `permissions`: what was granted if policies are enforced, else what is held; None for no claim.

    A client on its own behalf has its whole client grant.
    """
    if api is None or not api.token_dialect.endswith(AUTHZ):
        return None
    return _in_order(api, granted if api.enforce_policies and login.user else _held(api, login))


def _held(api: Api, login: Login) -> frozenset[str]:
    """Return the values of an API's permissions: a user's by roles and direct, or a client's client grant."""
    user = login.user
    if user is None:
        return frozenset(login.original.scopes if login.original else ())
    direct = frozenset(one.value for one in user.permissions if one.api == api.identifier)
    return direct.union(*(api.role_permissions.get(role, ()) for role in user.roles))


def _in_order(api: Api, values: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in api.scopes if one in values)


def _access(api: Api | None, granted: tuple[str, ...], client: Client) -> Access:
    target = api or USERINFO
    return Access(
        audience=target.identifier or None,
        scopes=granted,
        signing_alg=target.signing_alg,
        token_lifetime_s=min(target.token_lifetime_s, client.access_token_lifetime_s or target.token_lifetime_s),
        id_token_lifetime_s=client.id_token_lifetime_s,
        token_dialect=target.token_dialect,
    )


def _oidc_scopes(api: Api | None, client: Client) -> frozenset[str]:
    """Return the OIDC scopes that can be granted: offline_access only if a refresh token would follow."""
    offline = api is not None and api.allow_offline_access and REFRESH_TOKEN in client.grant_types
    return frozenset(scopes.OIDC_SCOPES) - (frozenset() if offline else {scopes.OFFLINE_ACCESS})
