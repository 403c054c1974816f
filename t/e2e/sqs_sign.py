"""Requests of SQS's JSON protocol, signed as AWS's clients sign them (Signature
Version 4), by hand, so that each part can be wrong."""
import hashlib
import hmac
import json
import time

KEY = "WORKER1"
SECRET = "worker-one/secret+4711"
TYPE = "application/x-amz-json-1.0"


def stamp(seconds=0):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + seconds))


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def headers_of(operation, body, host, path="/sqs", *, key=KEY, secret=SECRET,
               date=None, service="sqs", region="eu-central-1", signed=None,
               day=None, more=()):
    """What goes along with a body; signed names the headers that are."""
    date = date or stamp()
    day = day or date[:8]
    headers = {"content-type": TYPE, "host": host, "x-amz-date": date,
               "x-amz-target": "AmazonSQS." + operation} | dict(more)
    names = sorted(signed or headers)
    canonical = "\n".join(
        ["POST", path, ""] +
        [f"{n}:{' '.join(headers[n].split())}" for n in names] +
        ["", ";".join(names), hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    mac = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        mac = _mac(mac, part)
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={_mac(mac, text).hex()}")
    del headers["host"]
    return list(headers.items())


def call(door, operation, members=None, body=None, host=None, path=None,
         route="/sqs", **how):
    """The reply, and its JSON."""
    body = json.dumps(members or {}).encode() if body is None else body
    host = host or door.url("").split("/")[2]
    path = path or door.target(route)
    reply = door.ask("POST", route, headers_of(
        operation, body, host, path, **how), body)
    return reply, json.loads(reply.body or b"null")
