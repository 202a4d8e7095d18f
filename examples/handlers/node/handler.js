// Answers a question about a phone number, and about a recording, in any container that has Node.
const { createServer } = require("node:http");

createServer(async (request, response) => {
  const chunks = [], type = request.headers["content-type"] ?? "";
  for await (const chunk of request) chunks.push(chunk);
  const body = new Response(Buffer.concat(chunks), { headers: { "content-type": type } });
  const form = type.startsWith("multipart/") && (await body.formData());
  const question = form ? JSON.parse(form.get("request")) : await body.json();
  const results = form
    ? { bytes: form.get("audio").size, seconds: question.audio.seconds }
    : { greeting: `Hello ${question.phone_number}` };
  response.end(JSON.stringify(results));
}).listen(process.env.PORT ?? 9000);
