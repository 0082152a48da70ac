import * as oauth from "oauth4webapi";
import { audience, basicClient, issuer, person, print, client, realm, passwordRealm, scope } from "./support.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const url = new URL(issuer);
const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure));

async function login(id, authentication, grant, form) {
  const asked = new URLSearchParams(form);
  const response = await oauth.genericTokenEndpointRequest(server, { client_id: id }, authentication, grant, asked, insecure);
  return oauth.processGenericTokenEndpointResponse(server, { client_id: id }, response);
}

const byPost = await login(client.id, oauth.ClientSecretPost(client.secret), passwordRealm, { ...person, realm, audience, scope });
const alice = { username: "alice", password: "correct horse battery staple", audience };
const byBasic = await login(basicClient.id, oauth.ClientSecretBasic(basicClient.secret), "password", alice);
// It holds an access token to RFC 9068, as an API does.
const request = new Request("https://api.example.com/", { headers: { authorization: `Bearer ${byPost.access_token}` } });
const claims = await oauth.validateJwtAccessToken(server, request, audience, insecure);

print({ byPost, byBasic, claims });
