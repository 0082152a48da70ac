import { ResourceOwnerPassword } from "simple-oauth2";
import { audience, basicClient, client, issuer, passwordRealm, person, print, realm, refusal, scope } from "./support.mjs";

function clientOf({ id, secret }, authorizationMethod) {
  const auth = { tokenHost: issuer, tokenPath: "/oauth/token", revokePath: "/oauth/revoke" };
  return new ResourceOwnerPassword({ client: { id, secret }, auth, options: { authorizationMethod } });
}

const body = clientOf(client, "body");
const login = await body.getToken({ ...person, grant_type: passwordRealm, realm, audience, scope });
const refreshed = await login.refresh();
await refreshed.revoke("refresh_token");
const over = await refusal(refreshed.refresh());
const alice = { username: "alice", password: "correct horse battery staple", audience };
const byBasic = await clientOf(basicClient, "header").getToken(alice);
const wrong = await refusal(body.getToken({ ...alice, password: "wrong" }));

print({ login: login.token, refreshed: refreshed.token, over: over.data.payload.error, byBasic: byBasic.token, wrong: wrong.data.payload });
