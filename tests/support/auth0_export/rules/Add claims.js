function addClaims(user, context, callback) {
  const namespace = 'https://acme.example.com/';
  context.accessToken[namespace + 'email'] = user.email;
  context.idToken[namespace + 'plan'] = (user.app_metadata || {}).plan || 'free';
  context.idToken[`${namespace}greeting`] = `Hello ${user.nickname || user.name}!`;
  context.accessToken[namespace + 'roles'] = (user.app_metadata || {}).roles;
  callback(null, user, context);
}
