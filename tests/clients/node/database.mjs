// Sign-up and the mail for a new password, by node-auth0 and auth0-auth-js.
import { AuthClient } from "@auth0/auth0-auth-js";
import { AuthenticationClient } from "auth0/legacy";
import { client, domain, print, realm, refusal } from "./support.mjs";

const password = "quiet words at 753";
const older = new AuthenticationClient({ domain, clientId: client.id });
const newer = new AuthClient({ domain, clientId: client.id, clientSecret: client.secret });

const byOlder = await older.database.signUp({ email: "older@example.com", password, connection: realm, user_metadata: { plan: "free" } });
const byNewer = await newer.database.signUp({ email: "newer@example.com", password, connection: realm });
// With the same password it would be the retry of a lost answer, and be answered as the first was.
const another = { password: "other words at 862", connection: realm };
const taken = await refusal(newer.database.signUp({ email: "newer@example.com", ...another }));
const takenOlder = await refusal(older.database.signUp({ email: "older@example.com", ...another }));
const weak = await refusal(newer.database.signUp({ email: "weak@example.com", password: "short", connection: realm }));
const mailedOlder = await older.database.changePassword({ email: "older@example.com", connection: realm });
const mailedNewer = await newer.database.changePassword({ email: "newer@example.com", connection: realm });

print({
  older: byOlder.data,
  newer: byNewer,
  taken: [taken.cause?.error, taken.statusCode],
  takenOlder: [takenOlder.error, takenOlder.statusCode],
  weak: [weak.cause?.error, weak.statusCode],
  mailed: [mailedOlder.data, mailedNewer],
});
