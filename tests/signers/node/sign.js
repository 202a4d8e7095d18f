// Signs and judges with the npm package `twilio`. One JSON object a line comes in, one goes out:
//   {"token": "...", "url": "...", "parameters": {"name": "value"}}               ->  {"signature": "..."}
//   {"body": "..."}                                                               ->  {"hash": "..."}
//   {"judge": {"url", "token", "params" or "body", "signature"}}                  ->  {"valid": true or false}
// What the library throws counts as false, and is named in "raised". Ends when its input ends.
"use strict";

const readline = require("node:readline");
const {
  getExpectedBodyHash,
  getExpectedTwilioSignature,
  validateRequest,
  validateRequestWithBody,
} = require("twilio/lib/webhooks/webhooks");

function judge({ token, url, params, body, signature }) {
  try {
    const valid =
      body === undefined
        ? validateRequest(token, signature, url, params)
        : validateRequestWithBody(token, signature, url, body);
    return { valid };
  } catch (error) {
    return { valid: false, raised: error.name };
  }
}

function answer({ token, url, parameters, body, judge: request }) {
  if (request !== undefined) {
    return judge(request);
  }
  if (body !== undefined) {
    return { hash: getExpectedBodyHash(body) };
  }
  return { signature: getExpectedTwilioSignature(token, url, parameters) };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
});
