function (user, context, callback) {
  var trial = user.user_metadata && user.user_metadata.trial;
  if (context.clientName !== 'Timesheets web') return callback(null, user, context);
  if (trial?.logins_left == null) {
    context.accessToken['https://acme.example.com/trial'] = false;
  } else if (context.stats.loginsCount > 3 && trial.logins_left <= 0) {
    return callback(new UnauthorizedError(`The trial of ${context.clientName} is over.`));
  } else {
    context.accessToken['https://acme.example.com/trial'] = trial.logins_left;
  }
  callback(null, user, context);
}
