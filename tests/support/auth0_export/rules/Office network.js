function (user, context, callback) {
  const offices = (configuration.OFFICE_ADDRESSES || '').split(',').map(one => one.trim());
  const country = context.request.geoip.country_code;
  if (!offices.includes(context.request.ip) && country !== 'DE') {
    console.log('outside of the office', context.request.ip);
    return callback(new Error('Not from this network.'));
  }
  callback(null, user, context);
}
