// Runs Auth0's rules as Auth0 did: the rules and the cases come from standard input, their outcomes go to standard output.
const { scripts, cases } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const copy = value => value === undefined ? undefined : JSON.parse(JSON.stringify(value));
const RealDate = Date;

function run(source, { user, context, configuration, now }) {
  user = copy(user);
  context = copy(context);
  const stored = {};
  const keep = name => (id, metadata) =>
    id === user.user_id && metadata ? (stored[name] = copy(metadata), Promise.resolve()) : Promise.reject(new Error('nothing to store'));
  const auth0 = { users: { updateAppMetadata: keep('app_metadata'), updateUserMetadata: keep('user_metadata') } };
  class UnauthorizedError extends Error {}
  class Date extends RealDate {
    constructor(...given) { super(...(given.length ? given : [now])); }
    static now() { return now; }
  }
  return new Promise(resolve => {
    let calls = 0;
    const end = outcome => { calls += 1; clearTimeout(limit); setTimeout(() => resolve(calls === 1 ? outcome : { error: true }), 0); };
    const callback = (failure, ...rest) => {
      if (failure instanceof UnauthorizedError) return end({ denied: failure.message, stored });
      if (failure) return end({ error: true });
      const { scope, ...access } = context.accessToken;
      end({ passed: copy({ access, id: context.idToken, scope, multifactor: context.multifactor?.provider ?? null }), stored });
    };
    // A rule that never calls the callback ran into Auth0's time limit.
    const limit = setTimeout(() => resolve({ error: true }), 3000);
    const silent = { log() {}, info() {}, warn() {}, error() {} };
    try {
      const rule = new Function('UnauthorizedError', 'Date', 'auth0', 'configuration', 'console', `return (${source.trim().replace(/;$/, '')}\n);`)(
        UnauthorizedError, Date, auth0, configuration, silent);
      Promise.resolve(rule(user, context, callback)).catch(() => end({ error: true }));
    } catch (failure) {
      end(failure instanceof SyntaxError ? { isNoJavaScript: true } : { error: true });
    }
  });
}

(async () => {
  const outcomes = {};
  for (const [name, source] of Object.entries(scripts)) {
    outcomes[name] = await Promise.all(cases.map(one => run(source, one)));
  }
  process.stdout.write(JSON.stringify(outcomes));
})();
