"""The /mfa endpoints: from a request to the flow and back."""

from chalicelib.http.application import Services
from chalicelib.http.wire import Reply
from chalicelib.model.request import Request

NO_CONTENT = 204


def challenge(services: Services, request: Request) -> Reply:
    """POST /mfa/challenge."""
    return Reply(services.mfa.challenge(request))


def associate(services: Services, request: Request) -> Reply:
    """POST /mfa/associate."""
    return Reply(services.mfa.associate(request))


def authenticators(services: Services, request: Request) -> Reply:
    """GET /mfa/authenticators."""
    return Reply(services.mfa.authenticators(request))


def remove(services: Services, request: Request) -> Reply:
    """DELETE /mfa/authenticators/{authenticator_id}."""
    services.mfa.remove(request)
    return Reply(None, NO_CONTENT)
