import { ManagementClient } from "auth0";
import { audience, client, domain, issuer, passwordRealm, print, refusal } from "./support.mjs";

const password = "quiet words at 753";
const other = "other quiet words 358";
const third = "third quiet words 951";
const result_url = "https://app.example.com/done";
const credentials = { clientId: "demo-m2m", clientSecret: "demo-m2m-secret" };
const management = new ManagementClient({ domain, ...credentials });
const code = (error) => [error.statusCode, error.body?.errorCode];
const refused = async (promise) => code(await refusal(promise));
const withToken = (token) => new ManagementClient({ domain, token });

async function all(page) {
  const found = [];
  for await (const one of await page) found.push(one);
  return found;
}

async function post(url, form) {
  return fetch(url, { method: "POST", redirect: "manual", body: new URLSearchParams(form) });
}

async function ask(form) {
  return post(`${issuer}oauth/token`, { client_id: client.id, client_secret: client.secret, ...form });
}

async function login(username, tried, form = {}) {
  return ask({ grant_type: passwordRealm, realm: "customers", username, password: tried, ...form });
}

async function use({ ticket }, typed = {}) {
  const url = new URL(ticket);
  const answer = await post(`${url.origin}${url.pathname}`, { ticket: url.searchParams.get("ticket"), ...typed });
  return [answer.status, answer.headers.get("location")];
}

const made = await management.users.create({
  connection: "customers", email: "node@example.com", password, app_metadata: { a: 1, b: 2 },
});
const id = made.user_id;
const byEmail = await management.users.listUsersByEmail({ email: "NODE@example.com" });
const found = await management.users.list({ q: 'email:"node@example.com"' });
const patched = await management.users.update(id, { app_metadata: { a: null, c: 3 } });
const moved = await management.users.update(id, { email: "node2@example.com" });
const email = moved.email;
await management.users.update(id, { password: other });
const logins = [(await login(email, password)).status, (await login(email, other)).status];
await management.users.update(id, { blocked: true });
const blocked = (await login(email, other)).status;
await management.users.update(id, { blocked: false });
const unblocked = (await login(email, other)).status;

for (let tries = 0; tries < 10; tries += 1) await login(email, "wrong");
const guessed = (await login(email, other)).status;
const blocks = (await management.userBlocks.list(id)).blocked_for.map((one) => one.identifier);
await management.userBlocks.delete(id);
const lifted = [await management.userBlocks.list(id), (await login(email, other)).status];

const { refresh_token } = await (await login(email, other, { audience, scope: "offline_access" })).json();
const before = await all(management.users.refreshToken.list(id));
await management.users.refreshToken.delete(id);
const after = await all(management.users.refreshToken.list(id));
const { error } = await (await ask({ grant_type: "refresh_token", refresh_token })).json();

const [role] = (await all(management.roles.list({ name_filter: "approver" }))).filter((one) => one.name === "approver");
const { description } = await management.roles.get(role.id);
const names = (permissions) => permissions.map((one) => one.permission_name).sort();
const ofRole = names(await all(management.roles.permissions.list(role.id)));
const permissions = [{ resource_server_identifier: audience, permission_name: "create:timesheets" }];
await management.users.roles.assign(id, { roles: [role.id] });
await management.users.permissions.create(id, { permissions });
const roles = (await all(management.users.roles.list(id))).map((one) => one.name);
const held = names(await all(management.users.permissions.list(id)));
const members = (await all(management.roles.users.list(role.id))).map((one) => one.user_id);
const unknownRole = await refused(management.users.roles.assign(id, { roles: ["rol_0000000000000000"] }));
await management.users.roles.delete(id, { roles: [role.id] });
await management.users.permissions.delete(id, { permissions });
const taken = [await all(management.users.roles.list(id)), await all(management.users.permissions.list(id))];

const tickets = [
  await use(await management.tickets.verifyEmail({ user_id: id, result_url })),
  await use(await management.tickets.changePassword({ user_id: id, result_url }), { password: third, password_repeat: third }),
];
const job = await management.jobs.verificationEmail.create({ user_id: id });
const elsewhere = { user_id: id, result_url: "https://evil.example.com/" };

const asked = { client_id: credentials.clientId, client_secret: credentials.clientSecret, scope: "read:users" };
const reader = await (await ask({ grant_type: "client_credentials", audience: `${issuer}api/v2/`, ...asked })).json();
const person = await (await login(email, third)).json();
const refusals = {
  taken: await refused(management.users.create({ connection: "customers", email, password })),
  bad: await refused(management.users.update(id, { app_metadata: 1 })),
  role: unknownRole,
  ticket: await refused(management.tickets.verifyEmail(elsewhere)),
  scope: await refused(withToken(reader.access_token).users.delete(id)),
  person: await refused(withToken(person.access_token).users.get(id)),
  nonsense: await refused(withToken("nonsense").users.get(id)),
};
const verified = (await management.users.get(id)).email_verified;
const bare = (await fetch(`${issuer}api/v2/users/${id}`)).status;
await management.users.delete(id);
refusals.gone = await refused(management.users.get(id));

print({
  made: made.email, byEmail: byEmail.length, found: found.data.length, metadata: patched.app_metadata,
  moved: [moved.email, moved.email_verified], logins, blocked, unblocked, guessed, blocks, lifted,
  tokens: [before.length, after.length, error], role: [description, ofRole],
  held: [roles, held, members.includes(id)], taken: taken.map((one) => one.length),
  tickets, verified, job: [job.type, job.status], refusals, bare,
});
