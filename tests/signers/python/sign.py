"""Signs and judges with the PyPI package `twilio`. One JSON object a line comes in, one goes out:

    {"token": "...", "url": "...", "parameters": {"name": "value"}}  ->  {"signature": "..."}
    {"body": "..."}                                                  ->  {"hash": "..."}
    {"judge": {"url", "token", "params" or "body", "signature"}}     ->  {"valid": true or false}

What the library raises counts as false, and is named in "raised". Ends when its input ends.
"""

import json
import sys

from twilio.request_validator import RequestValidator


class Parameters(dict):
    """A value or a list of values for each name, in the way of Django's QueryDict, which the library knows."""

    def getlist(self, name):
        values = self[name]
        return values if isinstance(values, list) else [values]


def judge(request):
    sent = request["body"] if "body" in request else Parameters(request["params"])
    try:
        return {"valid": RequestValidator(request["token"]).validate(request["url"], sent, request["signature"])}
    except Exception as error:
        return {"valid": False, "raised": type(error).__name__}


def answer(question):
    if "judge" in question:
        return judge(question["judge"])
    validator = RequestValidator(question.get("token", ""))
    if "body" in question:
        return {"hash": validator.compute_hash(question["body"])}
    return {"signature": validator.compute_signature(question["url"], Parameters(question["parameters"]))}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
