function (user, context, callback) {
  const roles = (context.authorization || {}).roles || [];
  if (roles.indexOf('manager') === -1) {
    context.accessToken.scope = context.accessToken.scope.filter(s => s !== 'approve:timesheets');
  }
  callback(null, user, context);
}
