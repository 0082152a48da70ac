// Two APIs that verify a token: express-oauth2-jwt-bearer, and jose.
import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { audience, issuer, print } from "./support.mjs";

const { ACCESS_TOKEN: accessToken, ID_TOKEN: idToken } = process.env;

const app = express();
app.use(auth({ issuerBaseURL: issuer, audience, tokenSigningAlg: "RS256", strict: true }));
app.get("/read", requiredScopes("read:timesheets"), (request, response) => response.json({ sub: request.auth.payload.sub }));
app.get("/approve", requiredScopes("approve:timesheets"), (request, response) => response.json({}));
app.use((error, request, response, next) => response.status(error.status).set(error.headers).end());

const server = app.listen(0, "127.0.0.1");
await new Promise((listening) => server.once("listening", listening));
async function ask(path, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
  return [answer.status, answer.headers.get("www-authenticate")];
}
const asked = [
  await ask("/read", accessToken),
  await ask("/approve", accessToken),
  await ask("/read"),
  await ask("/read", "x.y.z"),
  await ask("/read", idToken),
];
server.close();

const keys = createRemoteJWKSet(new URL(`${issuer}.well-known/jwks.json`));
const options = { issuer, audience, typ: "at+jwt", algorithms: ["RS256"] };
const { payload } = await jwtVerify(accessToken, keys, options);
const refused = await jwtVerify(idToken, keys, options).then(() => "", (error) => error.code);

print({ asked, sub: payload.sub, refused });
