"""Make the model's values of the config table's documents, which have the tenant file's words."""

from typing import Any

from chalicelib.model.bucket import Bucket
from chalicelib.model.key import ROTATION_DAYS
from chalicelib.model.tenant import (
    ID_TOKEN_LIFETIME_S,
    Api,
    BreachedPasswordDetection,
    BruteForceProtection,
    Client,
    ClientSecret,
    MfaPolicy,
    PasswordPolicy,
    PasswordResetPolicy,
    Realm,
    RefreshTokenPolicy,
    SignUpPolicy,
    SuspiciousIpThrottling,
    Tenant,
)

Document = dict[str, Any]
PER_ADDRESS = "count_per_identifier_and_ip"


def tenant_from(document: Document) -> Tenant:
    """Return the tenant that a document describes, in the words of the tenant file."""
    mfa, protection = document.get("mfa", {}), document.get("attack_protection", {})
    return Tenant(
        friendly_name=document["friendly_name"],
        default_directory=document.get("default_directory"),
        default_audience=document.get("default_audience"),
        grant_types=tuple(document.get("grant_types", ())),
        has_auth0_scopes=document.get("oidc_scopes") == "auth0",
        revokes_on_password_change=document.get("revoke_refresh_tokens_on_password_change", True),
        sends_notices=document.get("notices", True),
        mfa=_mfa_policy(mfa),
        brute_force_protection=_brute_force_protection(protection.get("brute_force_protection", {})),
        suspicious_ip_throttling=_suspicious_ip_throttling(protection.get("suspicious_ip_throttling", {})),
        breached_password_detection=_breached_password_detection(protection.get("breached_password_detection", {})),
        realm_aliases=document.get("realm_aliases", {}),
        rotation_days=document.get("keys", {}).get("rotation_days", ROTATION_DAYS),
    )


def _mfa_policy(document: Document) -> MfaPolicy:
    default = MfaPolicy()
    per_hour = {"sms": document.get("max_texts_per_hour"), "email": document.get("max_emails_per_hour")}
    return MfaPolicy(
        policy=document.get("policy", default.policy),
        factors=tuple(document.get("factors", default.factors)),
        manage_max_age_s=document.get("manage_max_age", default.manage_max_age_s),
        sms_countries=tuple(document.get("sms_countries", ())),
        messages_per_hour={kind: most for kind, most in per_hour.items() if most},
    )


def _brute_force_protection(document: Document) -> BruteForceProtection:
    default = BruteForceProtection()
    return BruteForceProtection(
        enabled=document.get("enabled", default.enabled),
        is_per_address=document.get("mode", PER_ADDRESS) == PER_ADDRESS,
        max_attempts=document.get("max_attempts", default.max_attempts),
        block_lifetime_s=document.get("block_lifetime", default.block_lifetime_s),
        allowlist=tuple(document.get("allowlist", ())),
    )


def _suspicious_ip_throttling(document: Document) -> SuspiciousIpThrottling:
    default = SuspiciousIpThrottling()
    size, rate_ms = default.bucket.size, default.bucket.rate_ms
    return SuspiciousIpThrottling(
        enabled=document.get("enabled", default.enabled),
        bucket=Bucket(document.get("max_attempts", size), document.get("rate", rate_ms)),
        allowlist=tuple(document.get("allowlist", ())),
    )


def _breached_password_detection(document: Document) -> BreachedPasswordDetection:
    default = BreachedPasswordDetection()
    return BreachedPasswordDetection(
        enabled=document.get("enabled", default.enabled),
        asks_range_api=document.get("range_api", default.asks_range_api),
    )


def realm_from(document: Document) -> Realm:
    """Return the realm that a document describes."""
    return Realm(
        name=document["name"],
        display_name=document["display_name"],
        identifiers=tuple(document["identifiers"]),
        users_table=document["users_table"],
        password_policy=password_policy_from(document["password_policy"]),
        signup=SignUpPolicy(**document.get("signup", {})),
        password_reset=PasswordResetPolicy(**document.get("password_reset", {})),
        result_hosts=tuple(document.get("result_hosts", ())),
        import_from=document.get("import_from") or "",
    )


def password_policy_from(document: Document) -> PasswordPolicy:
    """Return the password policy that a document describes."""
    return PasswordPolicy(**document | {"dictionary": tuple(document.get("dictionary", ()))})


def api_from(document: Document) -> Api:
    """Return the API that a document describes."""
    return Api(
        identifier=document["identifier"],
        name=document["name"],
        scopes=tuple(scope["value"] for scope in document["scopes"]),
        signing_alg=document["signing_alg"],
        token_lifetime_s=document["token_lifetime"],
        allow_offline_access=document["allow_offline_access"],
        token_dialect=document["token_dialect"],
        introspection_clients=frozenset(document.get("introspection_clients", ())),
        enforce_policies=document.get("enforce_policies", False),
        role_permissions={role: frozenset(values) for role, values in document.get("role_permissions", {}).items()},
    )


def client_from(document: Document) -> Client | None:
    """Return the client that a document describes; None if it is disabled."""
    if document.get("disabled", False):
        return None
    return Client(
        client_id=document["client_id"],
        name=document["name"],
        token_endpoint_auth_method=document["token_endpoint_auth_method"],
        grant_types=frozenset(document["grant_types"]),
        realms=frozenset(document["realms"]),
        secrets=tuple(ClientSecret(**secret) for secret in document["secrets"]),
        jwks=tuple(document["jwks"]),
        strict_audience=document.get("strict_audience", False),
        is_token_endpoint_ip_header_trusted=document["is_token_endpoint_ip_header_trusted"],
        refresh_token=_refresh_token_policy(document["refresh_token"]),
        client_grants={audience: tuple(scopes) for audience, scopes in document["client_grants"].items()},
        client_metadata=document.get("client_metadata", {}),
        apis=_apis(document.get("apis")),
        access_token_lifetime_s=document.get("access_token_lifetime"),
        id_token_lifetime_s=document.get("id_token_lifetime") or ID_TOKEN_LIFETIME_S,
    )


def _apis(entries: list[Document] | None) -> dict[str, frozenset[str] | None] | None:
    if entries is None:
        return None
    bounds = ((entry["audience"], entry.get("scope")) for entry in entries)
    return {audience: None if scope is None else frozenset(scope) for audience, scope in bounds}


def _refresh_token_policy(document: Document) -> RefreshTokenPolicy:
    default = RefreshTokenPolicy()
    return RefreshTokenPolicy(
        is_rotating=document["rotation_type"] == "rotating",
        leeway_s=default.leeway_s if document["leeway"] is None else document["leeway"],
        token_lifetime_s=None if document["infinite_token_lifetime"] else document["token_lifetime"],
        idle_token_lifetime_s=None if document["infinite_idle_token_lifetime"] else document["idle_token_lifetime"],
    )
