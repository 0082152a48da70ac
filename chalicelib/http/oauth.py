"""The OAuth endpoints: from a request to a flow and back."""

from chalicelib.http.application import Services
from chalicelib.http.wire import CACHED, Reply
from chalicelib.model.request import Request


def token(services: Services, request: Request) -> Reply:
    """POST /oauth/token (RFC 6749 3.2)."""
    return Reply(services.token.answer(request))


def health(services: Services, _: Request) -> Reply:
    """GET what this process's last call to each dependency gave; one that was not called yet is not told."""
    outcomes = dict(services.outcomes)
    is_well = all(outcome == "ok" for outcome in outcomes.values())
    return Reply({"status": "ok" if is_well else "degraded", "dependencies": outcomes})


def revoke(services: Services, request: Request) -> Reply:
    """POST /oauth/revoke (RFC 7009 2)."""
    services.revocation.answer(request)
    return Reply(None)


def introspect(services: Services, request: Request) -> Reply:
    """POST /oauth/introspect (RFC 7662 2)."""
    return Reply(services.introspection.answer(request))


def userinfo(services: Services, request: Request) -> Reply:
    """GET or POST /userinfo (OpenID Connect Core 5.3)."""
    return Reply(services.userinfo.answer(request))


def metadata(services: Services, request: Request) -> Reply:
    """GET the authorization server's metadata (RFC 8414 3, OpenID Connect Discovery 4)."""
    return Reply(services.discovery.metadata(request.issuer), headers=CACHED)


def jwks(services: Services, _: Request) -> Reply:
    """GET the public keys (RFC 7517 5)."""
    return Reply(services.discovery.jwks(), headers=CACHED)
