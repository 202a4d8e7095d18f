// Signs with the npm package `twilio`. One JSON object a line comes in, one goes out:
//   {"token": "...", "url": "...", "parameters": {"name": "value"}}  ->  {"signature": "..."}
//   {"body": "..."}                                                  ->  {"hash": "..."}
// Ends when its input ends.
"use strict";

const readline = require("node:readline");
const { getExpectedBodyHash, getExpectedTwilioSignature } = require("twilio/lib/webhooks/webhooks");

function answer({ token, url, parameters, body }) {
  if (body !== undefined) {
    return { hash: getExpectedBodyHash(body) };
  }
  return { signature: getExpectedTwilioSignature(token, url, parameters) };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
});
