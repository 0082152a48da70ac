"""The Chalice app: which path leads where. `chalice deploy` reads the routes off it; Lambda calls it."""

import gc
import time
from collections.abc import Callable

# Nothing of what is imported is garbage: looking for some takes a tenth of a cold start.
gc.disable()

from chalice.app import CloudWatchEvent  # noqa: E402 (as above)

from chalicelib import wiring  # noqa: E402
from chalicelib.http import links, log, mfa, oauth  # noqa: E402
from chalicelib.http.application import Application, Emit, Services  # noqa: E402


def make_app(
    services: Callable[[], Services],
    emit: Emit = log.write_line,
    clock: Callable[[], float] = time.monotonic,
) -> Application:
    """Return an application of its own: every path, and the schedule.

    services: called for each request. emit: takes the log line of each outcome. clock: seconds from any beginning, for
    the time that AWS has.
    """
    app = Application(services, emit, clock)
    app.serve("/oauth/token", ("POST",), oauth.token, event="f")
    app.serve("/oauth/revoke", ("POST",), oauth.revoke)
    app.serve("/oauth/introspect", ("POST",), oauth.introspect)
    app.serve("/userinfo", ("GET", "POST"), oauth.userinfo)
    app.serve("/mfa/challenge", ("POST",), mfa.challenge, event="gd_start_auth")
    app.serve("/mfa/associate", ("POST",), mfa.associate, event="gd_start_enroll")
    app.serve("/mfa/authenticators", ("GET",), mfa.authenticators)
    app.serve("/mfa/authenticators/{authenticator_id}", ("DELETE",), mfa.remove, event="gd_unenroll")
    app.serve("/.well-known/openid-configuration", ("GET",), oauth.metadata)
    app.serve("/.well-known/oauth-authorization-server", ("GET",), oauth.metadata)
    app.serve("/.well-known/jwks.json", ("GET",), oauth.jwks)
    app.serve("/u/unblock", ("GET", "POST"), links.unblock)
    app.serve("/health", ("GET",), oauth.health)

    @app.schedule("rate(1 minute)")
    def tell_blocked(_: CloudWatchEvent) -> None:
        """Email the people whose accounts were blocked since the last minute."""
        app.send_notices()

    return app


app = make_app(wiring.services)
# Lambda finds the function of the schedule by this name.
tell_blocked = app.handler_map["tell_blocked"]

wiring.warm_up()
# What was made so far stays: no later search need look at it.
gc.freeze()
gc.enable()
