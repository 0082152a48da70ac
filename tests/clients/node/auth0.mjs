// node-auth0: its AuthenticationClient stands in auth0/legacy since version 5.
import { AuthenticationClient } from "auth0/legacy";
import { audience, client, domain, person, print, realm, refusal, scope } from "./support.mjs";

const auth0 = new AuthenticationClient({ domain, clientId: client.id, clientSecret: client.secret });
const headers = { initOverrides: { headers: { "auth0-forwarded-for": "203.0.113.7" } } };
const login = await auth0.oauth.passwordGrant({ ...person, realm, audience, scope }, headers);
const refreshed = await auth0.oauth.refreshTokenGrant({ refresh_token: login.data.refresh_token });
await auth0.oauth.revokeRefreshToken({ token: refreshed.data.refresh_token });
const over = await refusal(auth0.oauth.refreshTokenGrant({ refresh_token: refreshed.data.refresh_token }));
const wrong = await refusal(auth0.oauth.passwordGrant({ ...person, password: "wrong", realm, audience }));

print({ login: login.data, refreshed: refreshed.data, over: over.error, wrong: [wrong.statusCode, wrong.error, wrong.error_description] });
