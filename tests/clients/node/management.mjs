import { ManagementClient } from "auth0";
import { client, domain, issuer, passwordRealm, print, refusal } from "./support.mjs";

const password = "quiet words at 753";
const credentials = { clientId: "demo-m2m", clientSecret: "demo-m2m-secret" };
const management = new ManagementClient({ domain, ...credentials });
const code = (error) => [error.statusCode, error.body?.errorCode];

async function login(username, tried) {
  const form = { grant_type: passwordRealm, realm: "customers", client_id: client.id, client_secret: client.secret };
  const answer = await fetch(`${issuer}oauth/token`, {
    method: "POST", body: new URLSearchParams({ ...form, username, password: tried }),
  });
  return answer.status;
}

const made = await management.users.create({
  connection: "customers", email: "node@example.com", password, app_metadata: { a: 1, b: 2 },
});
const id = made.user_id;
const byEmail = await management.users.listUsersByEmail({ email: "NODE@example.com" });
const found = await management.users.list({ q: 'email:"node@example.com"' });
const patched = await management.users.update(id, { app_metadata: { a: null, c: 3 } });
const moved = await management.users.update(id, { email: "node2@example.com" });
await management.users.update(id, { password: "other quiet words 358" });
const logins = [await login("node2@example.com", password), await login("node2@example.com", "other quiet words 358")];
await management.users.update(id, { blocked: true });
const blocked = await login("node2@example.com", "other quiet words 358");
await management.users.update(id, { blocked: false });
const blocks = await management.userBlocks.list(id);
const tokens = [];
for await (const one of await management.users.refreshToken.list(id)) tokens.push(one);
const taken = code(await refusal(management.users.create({ connection: "customers", email: "bob@example.com", password })));
const bad = code(await refusal(management.users.update(id, { app_metadata: 1 })));
await management.users.delete(id);
const gone = code(await refusal(management.users.get(id)));
const stranger = new ManagementClient({ domain, token: "nonsense" });
const noToken = code(await refusal(stranger.users.get(id)));

print({
  made: made.email, byEmail: byEmail.length, found: found.data.length, metadata: patched.app_metadata,
  moved: [moved.email, moved.email_verified], logins, blocked, blocks, tokens: tokens.length, taken, bad, gone, noToken,
});
