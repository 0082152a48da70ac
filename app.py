"""The Chalice app: which path leads where. `chalice deploy` reads the routes off it; Lambda calls it."""

import gc

# Nothing of what is imported is garbage: looking for some takes a tenth of a cold start.
gc.disable()

from chalice.app import CloudWatchEvent  # noqa: E402 (as above)

from chalicelib import wiring  # noqa: E402
from chalicelib.http import links, mfa, oauth  # noqa: E402
from chalicelib.http.application import Application  # noqa: E402

app = Application("gatehouse", wiring.services)

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


wiring.warm_up()
# What was made so far stays: no later search need look at it.
gc.freeze()
gc.enable()
