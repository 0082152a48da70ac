function (user, context, callback) {
  if (context.protocol === 'oauth2-refresh-token') {
    return callback(null, user, context);
  }
  const didMfa = (context.authentication.methods || []).some(m => m.name === 'mfa');
  if (context.clientMetadata.mfa === 'required' && !didMfa) {
    context.multifactor = { provider: 'any', allowRememberBrowser: false };
  }
  callback(null, user, context);
}
