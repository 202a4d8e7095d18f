// What a publisher writes today: Express 5, and the middleware of Twilio's package in front of the one route.
const express = require('express');
const twilio = require('twilio');

const [port, publicUrl, customers] = [process.env.PORT, new URL(process.env.PUBLIC_URL), JSON.parse(process.env.CUSTOMERS)];
const app = express();
const signed = twilio.webhook(process.env.AUTH_TOKEN, { host: publicUrl.host, protocol: publicUrl.protocol.slice(0, -1) });

app.get(`${publicUrl.pathname}/incoming-sms`, signed, (request, response) => {
  const number = request.query.phone;
  const results = customers[number] ?? null;
  response.json({ phone_number: number, results, error_code: results ? null : 'not_found' });
});
app.listen(port, '127.0.0.1');
