"""The claims that a rule may set (docs/use/rules.md "Claims")."""

from collections.abc import Iterable

# The claims that only the issuer may set: those of Auth0's list, and those of RFC 9068 and RFC 8693.
_RESTRICTED = (
    "acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash client_id cnf cty dest "
    "entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid may_act mky nbf "
    "nonce object_id org_id org_name orig origid permissions roles rph s_hash scope sid sip_callid sip_cseq_num "
    "sip_date sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#S256"
)
RESTRICTED = frozenset(_RESTRICTED.split())
_OF_SCOPE = {
    "profile": "birthdate family_name gender given_name locale middle_name name nickname picture preferred_username "
    "profile updated_at website zoneinfo",
    "email": "email email_verified",
    "phone": "phone_number phone_number_verified",
    "address": "address",
}
# By OIDC claim: the scope that it needs (OpenID Connect Core 5.4).
SCOPE_OF = {claim: scope for scope, claims in _OF_SCOPE.items() for claim in claims.split()}


def refusal(claim: object, scopes: Iterable[str]) -> str:
    """Return why a rule may not set this claim, or "" if it may. scopes: those that the token will have."""
    if not isinstance(claim, str):
        return "a claim's name is a string"
    if claim in RESTRICTED:
        return "the claim is restricted"
    scope = SCOPE_OF.get(claim)
    return f"the claim needs the scope {scope}" if scope and scope not in scopes else ""
