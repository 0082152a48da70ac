"""What a login is granted: an audience and scopes, from what was asked and what may be had."""

from dataclasses import dataclass, replace

from chalicelib import scopes
from chalicelib.errors import InvalidRequest, InvalidScope, InvalidTarget, echoed
from chalicelib.model.login import Access, Asked, Login, Original
from chalicelib.model.request import Request
from chalicelib.model.tenant import MFA_SCOPES, MFA_TOKEN_LIFETIME_S, REFRESH_TOKEN, Api, Client, mfa_audience
from chalicelib.store.config import ConfigStore


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Says what is granted."""

    config: ConfigStore

    def asked(self, request: Request) -> Asked:
        """Return what is asked; raises InvalidTarget for an unknown API, before anybody is asked who they are."""
        audience, resource = request.params.get("audience"), request.params.get("resource")
        if audience is not None and resource is not None and audience != resource:
            raise InvalidRequest("audience and resource differ.")
        named = audience or resource
        if named is not None:
            self._api(named, request.issuer)
        return Asked(named, scopes.parse(request.params.get("scope", "")))

    def granted(self, request: Request, asked: Asked, client: Client, login: Login) -> Access:
        """Return what is granted; raises InvalidScope, InvalidTarget where more is asked than was granted before."""
        original = login.original
        if original is not None:
            _require_no_more(asked, original)
        audience = original.audience if original else asked.audience or self.config.tenant().default_audience
        api = self._api(audience, request.issuer) if audience else None
        api_scopes, oidc_scopes = api.scopes if api else (), _oidc_scopes(api, client)
        if original is None:
            granted = scopes.grant(asked.scopes, api_scopes, oidc_scopes)
        else:
            wanted = asked.scopes or frozenset(original.scopes)
            granted = tuple(one for one in original.scopes if one in wanted and one in {*api_scopes, *oidc_scopes})
        if api is None:
            return Access(audience=None, scopes=granted)
        return Access(api.identifier, granted, api.signing_alg, api.token_lifetime_s, api.token_dialect)

    def replaced(self, request: Request, access: Access, wanted: Access, client: Client) -> Access:
        """Return what rules made of what was granted, but for a refresh token that nobody may have here."""
        if wanted.scopes == access.scopes:
            return wanted
        api = self._api(access.audience, request.issuer) if access.audience else None
        denied = frozenset(scopes.OIDC_SCOPES) - _oidc_scopes(api, client)
        return replace(wanted, scopes=tuple(one for one in wanted.scopes if one not in denied))

    def _api(self, audience: str, issuer: str) -> Api:
        if audience == mfa_audience(issuer):
            return Api(audience, "MFA API", MFA_SCOPES, token_lifetime_s=MFA_TOKEN_LIFETIME_S)
        api = self.config.api(audience)
        if api is None:
            raise InvalidTarget(f"Service not found: {echoed(audience)}")
        return api


def _require_no_more(asked: Asked, original: Original) -> None:
    if asked.audience is not None and asked.audience != original.audience:
        raise InvalidTarget("The audience differs from the one that was granted.")
    if not asked.scopes <= frozenset(original.scopes):
        raise InvalidScope("The scope is wider than what was granted.")


def _oidc_scopes(api: Api | None, client: Client) -> frozenset[str]:
    """Return the OIDC scopes that can be had: offline_access only where a refresh token would follow."""
    offline = api is not None and api.allow_offline_access and REFRESH_TOKEN in client.grant_types
    return frozenset(scopes.OIDC_SCOPES) - (frozenset() if offline else {scopes.OFFLINE_ACCESS})
