function (user, context, callback) {
  const now = new Date();
  const isWeekend = now.getDay() === 0 || now.getDay() === 6;
  const ageInDays = (now - new Date(user.created_at)) / 86400000;
  if (isWeekend && ageInDays < 7) {
    return callback(new UnauthorizedError('New accounts begin on a working day.'));
  }
  return callback(null, user, context);
}
