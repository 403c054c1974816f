#!/usr/bin/python3
"""Debian's python3-botocore as an oracle for src/codec/sigv4.c.

  sigv4-botocore.py record         print t/data/sigv4-vectors.json again
  sigv4-botocore.py random N SEED  print N random vectors in the same form

A vector is a request, keys, the canonical request and the Authorization
header that botocore made of them.
"""
import datetime
import json
import random
import sys
from unittest import mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
TEMPORARY = ("ASIAEXAMPLE", "c2VjcmV0/+c2VjcmV0", "IQoJb3JpZ2luX2VjE" * 20 + "==")
JSON10 = "application/x-amz-json-1.0"


def vector(name, method="POST", path="/", headers=(), body="",
           region="us-east-1", service="dynamodb", time=1440938160, keys=KEYS):
    return {"name": name, "method": method, "path": path,
            "headers": [list(h) for h in headers], "body": body,
            "region": region, "service": service, "time": time,
            "access_key_id": keys[0], "secret": keys[1],
            "session_token": keys[2]}


def call(name, service, target, body, version="1.0", **more):
    host = "%s.%s.amazonaws.com" % (service, more.get("region", "us-east-1"))
    return vector(name, service=service, body=body, headers=[
        ("Host", host), ("Content-Type", "application/x-amz-json-" + version),
        ("X-Amz-Target", target)], **more)


def fixed():
    host = [("Host", "example.amazonaws.com")]
    yield vector("nothing but a host", "GET", headers=host)
    yield vector("an empty path", "GET", path="", headers=host)
    yield call("DynamoDB Query", "dynamodb", "DynamoDB_20120810.Query",
               '{"TableName":"c","Limit":1}', time=1795287000)
    yield call("SQS SendMessage, temporary keys", "sqs",
               "AmazonSQS.SendMessage", '{"MessageBody":"Hi"}',
               region="eu-central-1", keys=TEMPORARY)
    yield call("SSM GetParameters", "ssm", "AmazonSSM.GetParameters",
               '{"Names":["/twh/dev/x"],"WithDecryption":true}', version="1.1")
    yield call("Secrets Manager", "secretsmanager",
               "secretsmanager.GetSecretValue", '{"SecretId":"x"}',
               version="1.1", region="cn-north-1")
    yield vector("UTF-8 in the body", headers=host, body="Grüße, \u20ac, \U0001f600")
    yield vector("headers unsorted, in any case", headers=[
        ("x-zebra", "1"), ("HOST", "h"), ("Content-TYPE", "text/plain"),
        ("X-Alpha", "2")])
    yield vector("names that are each other's beginning", headers=[
        ("Host", "h"), ("X-Amz-Date-More", "1"), ("X-Amz", "2"),
        ("X-A", "3"), ("X_A", "4"), ("X-A1", "5")])
    yield vector("white space in headers", headers=host + [
        ("X-Space", "  a   b\t\tc  "), ("X-Empty", ""), ("X-Blank", "   ")])
    yield vector("a proxied host with a port",
                 headers=[("Host", "127.0.0.1:8000")])
    yield vector("a path with segments", "GET", path="/a/b.c/~d-_e",
                 headers=host)
    yield vector("a path that ends with a slash", "GET", path="/a/b/",
                 headers=host)
    yield vector("a path with escapes", "GET", headers=host,
                 path="/%E2%82%AC/a%20b/%2F/a+b/x:y@z")
    yield vector("an ARN in the path", "POST", service="bedrock",
                 path="/model/arn%3Aaws%3Ax%2Fy/invoke", headers=host)
    yield vector("the leap day's last second", headers=host, time=1709251199)
    yield vector("the epoch", headers=host, time=0)
    yield vector("far ahead", headers=host, time=253402300799)
    yield vector("a large body", headers=host, body="0123456789" * 700)
    yield vector("a long secret", headers=host,
                 keys=("A" * 128, "s" * 200, "t" * 3000))
    yield vector("an empty secret", headers=host, keys=("A", "", None))


def text(rng, alphabet, low, high):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


# "%" is always part of an escape, as on the wire.
PIECES = list("abcXYZ019-._~") + ["%20", "%2F", "%C3%A9", "%25", ":", "@", ","]
VALUE = "abcXYZ019 \t-._~!*'();:@&=+$,/?#[]%\"<>"
BODY = VALUE + "\n\rÄß€\U0001f600{}"


def random_vector(rng, i):
    names = rng.sample(["X-A", "x-b", "X-Amz-Target", "Content-Type",
                        "X-Amz-Meta-Long-Name", "Accept", "x_y"],
                       rng.randint(0, 6))
    headers = [("Host", "host.example:%d" % rng.randint(1, 65535))]
    headers += [(n, text(rng, VALUE, 0, 40)) for n in names]
    rng.shuffle(headers)
    # Without "." and "..", which are not sent.
    path = "/" + "/".join("p" + text(rng, PIECES, 0, 8)
                          for _ in range(rng.randint(0, 5)))
    return vector("random %d" % i, rng.choice(["GET", "POST", "PUT"]), path,
                  headers, text(rng, BODY, 0, 200),
                  rng.choice(["us-east-1", "eu-central-1", "local"]),
                  rng.choice(["dynamodb", "sqs", "xray"]),
                  rng.randint(0, 4000000000),
                  (text(rng, "AKID0123", 4, 20), text(rng, VALUE, 1, 80),
                   rng.choice([None, text(rng, "abc/+=", 1, 900)])))


def sign(v):
    """Let botocore sign; its clock is ours."""
    request = AWSRequest(v["method"], "http://example.com" + v["path"],
                         data=v["body"].encode())
    request.headers = HTTPHeaders()
    for name, value in v["headers"]:
        request.headers.add_header(name, value)
    keys = Credentials(v["access_key_id"], v["secret"], v["session_token"])
    auth = SigV4Auth(keys, v["service"], v["region"])
    now = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=v["time"])
    with mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = now
        auth.add_auth(request)
    v["authorization"] = request.headers["Authorization"]
    del request.headers["Authorization"]
    # What was signed: with its date and token, in lower case, ascending.
    v["headers"] = sorted([n.lower(), h] for n, h in request.headers.items())
    v["canonical"] = auth.canonical_request(request)
    return v


def main():
    record = sys.argv[1:] == ["record"]
    rng = random.Random(0 if record else int(sys.argv[3]))
    vectors = list(fixed()) if record else []
    vectors += [random_vector(rng, i)
                for i in range(50 if record else int(sys.argv[2]))]
    print("[" + ",\n".join(json.dumps(sign(v)) for v in vectors) + "]")


main()
