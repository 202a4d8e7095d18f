"""Signs with the PyPI package `twilio`. One JSON object a line comes in, one goes out:

    {"token": "...", "url": "...", "parameters": {"name": "value"}}  ->  {"signature": "..."}
    {"body": "..."}                                                  ->  {"hash": "..."}

Ends when its input ends.
"""

import json
import sys

from twilio.request_validator import RequestValidator


def answer(question):
    validator = RequestValidator(question.get("token", ""))
    if "body" in question:
        return {"hash": validator.compute_hash(question["body"])}
    return {"signature": validator.compute_signature(question["url"], question["parameters"])}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
