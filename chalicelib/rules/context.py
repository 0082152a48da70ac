"""The arguments of rules: Auth0's `user` and `context` in snake_case, made anew for every run.

Their types are SimpleNamespace, dict and list, which no rule can write on, or are made for the run as well. The values
are copies.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.model.user import User
from chalicelib.rules.geoip import request_of

PASSWORD_PROTOCOL = "oauth2-password"
STRATEGY = "auth0"
# Names that Auth0 refuses in app_metadata: they never replace a user's own values.
UNMERGED = frozenset(
    {
        "__tenant",
        "_id",
        "app_metadata",
        "blocked",
        "clientID",
        "created_at",
        "email",
        "email_verified",
        "globalClientID",
        "global_client_id",
        "identities",
        "lastIP",
        "lastLogin",
        "last_ip",
        "last_login",
        "loginsCount",
        "logins_count",
        "metadata",
        "multifactor",
        "multifactor_last_modified",
        "updated_at",
        "user_id",
        "user_metadata",
    }
)
_TEXTS = ("email", "username", "name", "given_name", "family_name", "nickname", "picture", "phone_number", "last_ip")
_TIMES = ("created_at", "updated_at", "last_password_reset", "last_login")


@dataclass(frozen=True, slots=True)
class RuleArguments:
    """The arguments of one run's rules.

    tokens: by name, the claims that rules add to a token. Its attribute `scope` has the granted scopes, which rules may
    replace or change in place. denials: the reasons that `context.deny` was called with.
    """

    user: SimpleNamespace
    context: SimpleNamespace = field(repr=False)
    tokens: dict[str, Any]
    denials: list[Any]


@dataclass(frozen=True, slots=True)
class RuleContext:
    """The facts of a login that rules get. tenant: its friendly name. configuration: the team's secrets."""

    request: Request
    client: Client
    login: Login
    user: User
    access: Access
    tenant: str
    configuration: Mapping[str, str] = field(repr=False)

    @property
    def logins_count(self) -> int:
        """The number of the user's logins, this one included."""
        return self.user.logins_count + (self.login.protocol == PASSWORD_PROTOCOL)


def make_arguments(occasion: RuleContext) -> RuleArguments:
    """Return what the rules of one login see. Source: docs/use/rules.md "What a rule sees"."""
    denials: list[Any] = []
    login, tokens = occasion.login, _tokens(occasion.access)
    context = SimpleNamespace(
        tenant=occasion.tenant,
        **client_members(occasion.client, login.realm, occasion.request),
        protocol=login.protocol,
        stats=SimpleNamespace(logins_count=occasion.logins_count),
        **tokens,
        multifactor=None,
        redirect=None,
        primary_user=login.sub,
        authentication=SimpleNamespace(methods=_methods(login)),
        authorization=SimpleNamespace(roles=list(occasion.user.roles)),
        configuration=dict(occasion.configuration),
        # A list's own method: a function of this module would give rules its globals.
        deny=denials.append,
    )
    return RuleArguments(_user(occasion), context, tokens, denials)


def client_members(client: Client, realm: str, request: Request) -> dict[str, Any]:
    """Return the members of a context that say through which client, in which realm and by which request."""
    return {
        "client_id": client.client_id,
        "client_name": client.name,
        "client_metadata": dict(client.client_metadata),
        **_connection(realm),
        "request": _request(request),
    }


def _connection(realm: str) -> dict[str, Any]:
    return {
        "connection_id": realm,
        "connection": realm,
        "connection_strategy": STRATEGY,
        "connection_options": {},
        "connection_metadata": {},
        "sso": {"with_auth0": False, "with_dbconn": False, "current_clients": []},
    }


def _tokens(access: Access) -> dict[str, Any]:
    # A class of this run alone: a rule could write on a class of the module, and the next request would see it.
    token: Any = type("Token", (dict,), {"__slots__": ("scope",)})
    tokens = {"access_token": token(), "id_token": token()}
    tokens["access_token"].scope = list(access.scopes)
    return tokens


def _user(occasion: RuleContext) -> SimpleNamespace:
    user, login = occasion.user, occasion.login
    own = {
        "user_id": user.user_id,
        **{name: getattr(user, name) or None for name in _TEXTS},
        **{name: _iso(getattr(user, name)) for name in _TIMES},
        "email_verified": user.email_verified,
        "phone_verified": user.phone_verified,
        "blocked": user.blocked,
        "logins_count": occasion.logins_count,
        "multifactor": [kind for kind in user.multifactor.split(",") if kind],
        "identities": [_identity(user, login)],
    }
    merged = {name: value for name, value in user.app_metadata.items() if name not in UNMERGED}
    metadata = {"app_metadata": user.app_metadata, "user_metadata": user.user_metadata}
    return SimpleNamespace(**copy.deepcopy(own | merged), **copy.deepcopy(metadata))


def _identity(user: User, login: Login) -> dict[str, Any]:
    own_id = user.user_id.rpartition("|")[2]
    return {"connection": login.realm, "provider": STRATEGY, "user_id": own_id, "is_social": False}


def _iso(epoch_s: int) -> str | None:
    if not epoch_s:
        return None
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request(request: Request) -> SimpleNamespace:
    members = {
        "ip": request.source_ip,
        "user_agent": request.user_agent,
        "hostname": request.hostname,
        "query": copy.deepcopy(request.query),
        "body": copy.deepcopy(request.body),
    }
    return request_of(members, request.geoip)


def _methods(login: Login) -> list[dict[str, Any]]:
    at_ms = 1000 * (login.auth_time or 0)
    return [{"name": name, "timestamp": at_ms} for name in login.amr if name in ("pwd", "mfa")]
