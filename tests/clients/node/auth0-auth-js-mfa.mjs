// The second factor by auth0-auth-js: it enrols an app, shows its code, and later the recovery code.
import { AuthClient, isMfaRequiredError } from "@auth0/auth0-auth-js";
import { audience, client, codeOf, domain, print, refusal, scope } from "./support.mjs";

const auth0 = new AuthClient({ domain, clientId: client.id, clientSecret: client.secret });
const person = { username: "app", password: process.env.PASSWORD, audience, scope };

async function owed() {
  const error = await refusal(auth0.getTokenByPassword(person));
  return { is: isMfaRequiredError(error), mfaToken: error.cause.mfa_token, requirements: error.cause.mfa_requirements };
}

const first = await owed();
const enrolled = await auth0.mfa.enrollAuthenticator({ authenticatorTypes: ["otp"], mfaToken: first.mfaToken });
const otp = codeOf(enrolled.secret);
const wrong = await refusal(auth0.mfa.verify({ factorType: "otp", otp: otp === "000000" ? "111111" : "000000", mfaToken: first.mfaToken }));
const tokens = await auth0.mfa.verify({ factorType: "otp", otp, mfaToken: first.mfaToken });

const later = await owed();
const listed = await auth0.mfa.listAuthenticators({ mfaToken: later.mfaToken });
const challenge = await auth0.mfa.challengeAuthenticator({ challengeType: "otp", mfaToken: later.mfaToken });
const recoveryCode = enrolled.recoveryCodes[0];
const recovered = await auth0.mfa.verify({ factorType: "recovery-code", recoveryCode, mfaToken: later.mfaToken });

print({
  first: [first.is, first.requirements],
  wrong: [wrong.error ?? wrong.cause?.error, wrong.message],
  tokens: tokens.accessToken,
  later: later.requirements,
  listed: listed.map((one) => one.authenticatorType),
  challenge: challenge.challengeType,
  recovered: [recovered.accessToken, recovered.recoveryCode !== recoveryCode],
});
