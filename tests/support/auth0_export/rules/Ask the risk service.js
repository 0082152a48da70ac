async function (user, context, callback) {
  const axios = require('axios');
  try {
    const answer = await axios.post(configuration.RISK_URL, { user: user.user_id, ip: context.request.ip });
    if (answer.data.risk > 0.8) return callback(new UnauthorizedError('Too risky.'));
  } catch (err) {
    console.log(err.message);
  }
  callback(null, user, context);
}
