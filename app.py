"""The list of routes. `chalice deploy` reads them off `app`, and Lambda calls it."""

from chalicelib import cold_start

cold_start.begin()

from functools import partial
from typing import Any

from chalice.app import CloudWatchEvent

from chalicelib import wiring
from chalicelib.flows.accounts.change_password import ChangePasswordFlow
from chalicelib.flows.accounts.links import LinkFlow
from chalicelib.flows.accounts.reset_password import ResetPasswordFlow
from chalicelib.flows.accounts.send_verification import SendVerificationFlow
from chalicelib.flows.accounts.sign_up import SignUpFlow
from chalicelib.flows.accounts.verify_email import VerifyEmailFlow
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.health import Health
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.notices import NoticeFlow
from chalicelib.flows.revocation import RevocationFlow
from chalicelib.flows.token import TokenFlow
from chalicelib.flows.userinfo import UserinfoFlow
from chalicelib.http.accounts import ACCOUNT_CLIENT, TEXT
from chalicelib.http.application import Application
from chalicelib.http.caching import CACHED
from chalicelib.http.pages import reset, unblock, verify
from chalicelib.http.pages.layout import HEADERS, LINK_USER
from chalicelib.http.routes import ANYBODY, BROWSER, DELETE, GET, NO_CONTENT, POST, TOKEN_BEARER, Route

ROUTES = (
    Route("/oauth/token", POST, TokenFlow, TokenFlow.answer, event="f"),
    Route("/oauth/revoke", POST, RevocationFlow, RevocationFlow.answer),
    Route("/oauth/introspect", POST, IntrospectionFlow, IntrospectionFlow.answer),
    Route("/userinfo", GET + POST, UserinfoFlow, UserinfoFlow.answer, BROWSER),
    Route("/mfa/challenge", POST, MfaFlow, MfaFlow.challenge, TOKEN_BEARER, event="gd_start_auth"),
    Route("/mfa/associate", POST, MfaFlow, MfaFlow.associate, TOKEN_BEARER, event="gd_start_enroll"),
    Route("/mfa/authenticators", GET, MfaFlow, MfaFlow.authenticators, TOKEN_BEARER),
    Route(
        "/mfa/authenticators/{authenticator_id}",
        DELETE,
        MfaFlow,
        MfaFlow.remove,
        TOKEN_BEARER,
        event="gd_unenroll",
        status=NO_CONTENT,
    ),
    Route("/.well-known/openid-configuration", GET, Discovery, Discovery.metadata, ANYBODY, headers=CACHED),
    Route("/.well-known/oauth-authorization-server", GET, Discovery, Discovery.metadata, ANYBODY, headers=CACHED),
    Route("/.well-known/jwks.json", GET, Discovery, Discovery.jwks, ANYBODY, headers=CACHED),
    Route("/dbconnections/signup", POST, SignUpFlow, SignUpFlow.answer, ACCOUNT_CLIENT, event="fs"),
    Route(
        "/dbconnections/change_password",
        POST,
        ChangePasswordFlow,
        ChangePasswordFlow.answer,
        ACCOUNT_CLIENT,
        event="fcpr",
        headers=TEXT,
    ),
    Route("/accounts/reset_password", POST, ResetPasswordFlow, ResetPasswordFlow.answer, ACCOUNT_CLIENT, event="fcp"),
    Route("/accounts/verify_email", POST, VerifyEmailFlow, VerifyEmailFlow.answer, ACCOUNT_CLIENT, event="fv"),
    Route(
        "/accounts/send_verification",
        POST,
        SendVerificationFlow,
        SendVerificationFlow.answer,
        ACCOUNT_CLIENT,
        event="fvr",
    ),
    Route("/u/unblock", GET, NoticeFlow, unblock.show, LINK_USER, headers=HEADERS),
    Route("/u/unblock", POST, NoticeFlow, unblock.act, LINK_USER, headers=HEADERS),
    Route("/u/verify", GET, LinkFlow, verify.show, LINK_USER, headers=HEADERS),
    Route("/u/verify", POST, LinkFlow, verify.act, LINK_USER, event="fv", headers=HEADERS),
    Route("/u/reset", GET, LinkFlow, reset.show, LINK_USER, headers=HEADERS),
    Route("/u/reset", POST, LinkFlow, reset.act, LINK_USER, event="fcp", headers=HEADERS),
    Route("/health", GET, Health, Health.answer),
)

# Makes an application. services: called for each request.
make_app = partial(Application, ROUTES)

app = make_app(wiring.services)
# Lambda finds the scheduled function by this name.
tell_blocked = app.handler_map["tell_blocked"]


@app.lambda_function(name="management")
def management(event: Any, context: Any) -> dict[str, Any]:
    """Answer an event of the Management API, in the function of that name."""
    # No login waits for this import.
    from chalicelib.wiring.management import application  # noqa: PLC0415

    return application(event, context)


@app.schedule("rate(1 hour)", name="rotate_keys")
def rotate_keys(_: CloudWatchEvent) -> None:
    """Take the step of the signing keys' rotation that is due."""
    # As above.
    from chalicelib.wiring.rotation import scheduled_rotation  # noqa: PLC0415

    scheduled_rotation().run()


@app.lambda_function(name="events")
def events(event: Any, context: Any) -> None:
    """Send log lines on, in the function of that name: from their subscription, or from the queue."""
    # As above.
    from chalicelib.wiring.events import handle  # noqa: PLC0415

    handle(event)


@app.lambda_function(name="help_desk")
def help_desk(event: Any, context: Any) -> dict[str, Any]:
    """Unblock a user, or reset the second factors, in the function of that name."""
    # As above.
    from chalicelib.wiring.help_desk import help_desk as of_process  # noqa: PLC0415

    return of_process().answer(event, context.aws_request_id)


cold_start.finish(wiring.services)
