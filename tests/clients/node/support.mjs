// Inputs of each client: the run, and people of the demo tenant. Each client prints one JSON object.
export const issuer = process.env.ISSUER;
export const domain = new URL(issuer).host;
export const audience = "https://api.example.com/timesheets";
export const realm = "customers";
export const person = { username: "bob@example.com", password: "bob's long password" };
export const client = { id: "demo-backend", secret: "demo-backend-secret" };
export const basicClient = { id: "demo-basic", secret: "s3cret: with/odd+chars%" };
export const scope = "openid offline_access read:timesheets";
export const passwordRealm = "http://auth0.com/oauth/grant-type/password-realm";

export function print(result) {
  process.stdout.write(JSON.stringify(result));
}

// Returns what a promise is refused with.
export async function refusal(promise) {
  return promise.then(() => { throw new Error("it was not refused"); }, (error) => error);
}
