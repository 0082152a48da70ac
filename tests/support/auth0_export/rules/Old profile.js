function (user, context, callback) {
  user.app_metadata = user.app_metadata || {};
  user.app_metadata.legacy = true;
  callback(null, user, context);
}
