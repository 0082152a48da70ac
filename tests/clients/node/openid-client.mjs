import * as oidc from "openid-client";
import { audience, basicClient, client, issuer, passwordRealm, person, print, realm, refusal, scope } from "./support.mjs";

const open = { execute: [oidc.allowInsecureRequests] };
const post = await oidc.discovery(new URL(issuer), client.id, undefined, oidc.ClientSecretPost(client.secret), open);
const login = await oidc.genericGrantRequest(post, passwordRealm, { ...person, realm, audience, scope });
const refreshed = await oidc.refreshTokenGrant(post, login.refresh_token);
const seen = await oidc.fetchUserInfo(post, refreshed.access_token, login.claims?.()?.sub ?? oidc.skipSubjectCheck);
await oidc.tokenRevocation(post, refreshed.refresh_token);
const over = await refusal(oidc.refreshTokenGrant(post, refreshed.refresh_token));

const basic = await oidc.discovery(new URL(issuer), basicClient.id, undefined, oidc.ClientSecretBasic(basicClient.secret), open);
const alice = { username: "alice", password: "correct horse battery staple" };
const byBasic = await oidc.genericGrantRequest(basic, "password", { ...alice, audience });
const wrong = await refusal(oidc.genericGrantRequest(basic, "password", { ...alice, password: "wrong", audience }));

print({ login, refreshed, seen, over: over.error, byBasic, wrong: [wrong.status, wrong.error, wrong.error_description] });
