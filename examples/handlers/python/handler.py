# Answers a question about a phone number, and about a recording, in any container that has Python.
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        kind, body = self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))
        if kind.startswith("multipart/"):
            parts = body.split(b"--" + kind.split("boundary=")[1].encode())[1:3]
            request, audio = (part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts)
            results = {"bytes": len(audio), "seconds": json.loads(request)["audio"]["seconds"]}
        else:
            results = {"greeting": "Hello " + json.loads(body)["phone_number"]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(results).encode())


ThreadingHTTPServer(("", int(os.environ.get("PORT", 9000))), Handler).serve_forever()
