// Auth0's newer SDK for servers: it discovers the endpoints, and sends grant_type=password with a realm.
import { AuthClient } from "@auth0/auth0-auth-js";
import { audience, client, domain, print, refusal, scope } from "./support.mjs";

const auth0 = new AuthClient({ domain, clientId: client.id, clientSecret: client.secret });
const alice = { username: "alice", password: "correct horse battery staple" };
const login = await auth0.getTokenByPassword({ ...alice, audience, scope, auth0ForwardedFor: "203.0.113.7" });
const refreshed = await auth0.getTokenByRefreshToken({ refreshToken: login.refreshToken });
const wrong = await refusal(auth0.getTokenByPassword({ ...alice, password: "wrong", audience }));

print({ login, refreshed, wrong: [wrong.cause?.error, wrong.cause?.error_description] });
