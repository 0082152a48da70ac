function (user, context, callback) {
  // Nobody logs in before the address is confirmed.
  if (!user.email_verified) {
    return callback(new UnauthorizedError('Please verify your email before logging in.'));
  }
  return callback(null, user, context);
}
