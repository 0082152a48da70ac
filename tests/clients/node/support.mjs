import { createHmac } from "node:crypto";

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

// The code that an authenticator app shows at a time, in milliseconds (RFC 6238).
export function codeOf(secret, now = Date.now()) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
