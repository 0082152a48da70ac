function (user, context, callback) {
  const partners = context.connection === 'Partner-Directory';
  const isInternal = context.clientMetadata && context.clientMetadata.audience === 'internal';
  if (partners && isInternal) {
    return callback(new UnauthorizedError('Partners have no access to this application.'));
  }
  context.idToken['https://acme.example.com/directory'] = context.connection;
  callback(null, user, context);
}
