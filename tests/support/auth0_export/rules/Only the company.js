(user, context, callback) => {
  const allowed = ['acme.example.com', 'example.org'];
  const domain = (user.email || '').split('@')[1];
  const isAllowed = allowed.some(function (one) { return one === (domain || '').toLowerCase(); });
  if (!isAllowed) {
    return callback(new UnauthorizedError('For staff of ' + allowed.join(' and ') + ' only.'));
  } else {
    context.idToken['https://acme.example.com/domain'] = domain;
  }
  callback(null, user, context);
}
