"""Requests signed by Twilio's official SDKs, sent over HTTP through nginx: all
are accepted; with one byte changed none is."""
import json
import os
import random
import re
import subprocess
from urllib.parse import quote_plus

from doors import TOKEN, VOICE, NginxFastcgi
from outcome import Skip, true
from servers import BUILDDIR, SRCDIR, need
from twilio_sign import pairs

RANDOM_REQUESTS = 500
SEED = 20261121

# Names and repeated values: the order of UTF-16, in which the SDK for Node
# sorts, is that of bytes only below the surrogates.
PLAIN = "abcxyzABCXYZ0189_-.~ +&=%/?#'\"<>[]{}\\;:,|@!$()*^`é中ßЖא\t\n\r\x7f"
WILD = PLAIN + "\U0001f600\U0001f1e9\ufffd\ue000\u200f\u0000\u0301"
BYTES = "".join(map(chr, range(256)))
QUERY = list("abcXYZ019-._~!$'()*,;:@/?=&+") + ["%2f", "%20", "%C3%A9", "%25"]


# Shared keys of the site.
KEY = "webhooks_sharedkey_01k5m8q2v7x4c9b3n6w1z0y8t2"
SECRETS = {KEY: "Vq3t+/=x9", "other-key": "another-secret"}
HEADER = "X-Twilio-Webhooks-Signature-Settings"


class Site(NginxFastcgi):
    voice = VOICE + "\n[shared_keys]\n" + "".join(
        f"{key} = {secret}\n" for key, secret in SECRETS.items())


class Case:
    """One request: what the SDK is given, and what goes over the wire."""

    def __init__(self, route, params=None, wire=None, body=None):
        self.route = route
        self.params = params  # {name: value or [values]}
        self.body = body  # of a JSON request
        self.wire = body.encode() if wire is None else wire
        self.signature = None
        self.settings = None  # a header

    def content_type(self):
        return ("application/json" if self.params is None
                else "application/x-www-form-urlencoded")

    def ask(self, door, route, wire, signature, settings):
        return door.ask("POST", route, [
            ("X-Twilio-Signature", signature),
            ("Content-Type", self.content_type())] +
            ([(HEADER, settings)] if settings else []), wire)


def encode(rng, text):
    """One of the many ways to write a value in a form."""
    out = quote_plus(text).encode()
    if rng.random() < 0.3:
        out = out.replace(b"+", b"%20")
    if rng.random() < 0.2:
        out = re.sub(rb"%..", lambda m: m.group().lower(), out)
    if rng.random() < 0.2:
        for c in "!'()*~:@/?,;":
            out = out.replace(quote_plus(c).encode(), c.encode())
    if rng.random() < 0.1 and not set(text) & set("&=+%"):
        out = text.encode().replace(b" ", b"+")
    return out


def some(rng, alphabet, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(most)))


def random_form(rng, serial, repeats):
    params = {"From": f"whatsapp:+1415555{serial % 10000:04d}",
              "MessageSid": f"SM{rng.getrandbits(128):032x}",
              "Body": some(rng, WILD, 200)}
    for _ in range(rng.randrange(12)):
        name = some(rng, PLAIN, 12) or "N"
        if name in params:
            continue
        params[name] = some(rng, WILD, 40)
        if repeats and rng.random() < 0.3:
            params[name] = [some(rng, PLAIN, 4)
                            for _ in range(rng.randrange(1, 5))]
    wire = []
    for name, value in params.items():
        for one in value if isinstance(value, list) else [value]:
            wire.append(encode(rng, name) + b"=" + encode(rng, one))
    rng.shuffle(wire)
    return params, b"&".join(wire)


def random_case(rng, serial, repeats):
    route = "/whatsapp"
    if rng.random() < 0.4:
        route += "?" + some(rng, QUERY, 40)
    if rng.random() < 0.15:
        return Case(route.replace("bodySHA256", ""), body=json.dumps(
            {"From": "+14155550100", "MessageSid": f"SM{serial:032x}",
             "x": some(rng, WILD, 60)}, ensure_ascii=rng.random() < 0.5))
    params, wire = random_form(rng, serial, repeats)
    return Case(route, params, wire)


def sample_cases():
    path = os.path.join(SRCDIR, "t/data/webhook-samples.json")
    with open(path, encoding="utf-8") as f:
        samples = json.load(f)["samples"]
    for s in samples:
        route = ("/whatsapp/status" if "status" in s["kind"]
                 else "/whatsapp")
        if s["content_type"] == "application/json":
            yield Case(route, body=s["raw_body"])
            continue
        wire = s["raw_body"].encode()
        yield Case(route, {n.decode(): v.decode() for n, v in pairs(wire)},
                   wire)


def cases(repeats):
    rng = random.Random(SEED + repeats)
    return list(sample_cases()) + [
        random_case(rng, i, repeats) for i in range(RANDOM_REQUESTS)]


def sign_by_python(door, requests):
    try:
        from twilio.request_validator import RequestValidator
    except ImportError as e:
        raise Skip("python3-twilio is not installed") from e
    validator = RequestValidator(TOKEN)
    for c in requests:
        if c.params is None:
            c.route += "&" if "?" in c.route else "?"
            c.route += "bodySHA256=" + validator.compute_hash(c.body)
        c.signature = validator.compute_signature(
            door.url(c.route), c.params or {})


def node_path():
    for path in [os.environ.get("NODE_PATH"),
                 os.path.join(BUILDDIR, "t/node_modules"),
                 os.path.join(SRCDIR, "t/node_modules")]:
        if path and os.path.isdir(os.path.join(path, "twilio")):
            return path
    raise Skip("npm's twilio is not in NODE_PATH or t/node_modules; "
               "tools/npm-packages installs it")


def sign_by_node(door, requests):
    given = [{"url": door.url(c.route)} |
             ({"params": c.params} if c.params is not None
              else {"body": c.body}) |
             ({"settings": c.settings, "secret": SECRETS[KEY]}
              if c.settings else {}) for c in requests]
    done = subprocess.run(
        [need("node"), os.path.join(os.path.dirname(__file__), "sdk.mjs"),
         TOKEN], input=json.dumps(given).encode(), capture_output=True,
        env=os.environ | {"NODE_PATH": node_path()}, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    prefix = door.url("")
    for c, signed in zip(requests, json.loads(done.stdout), strict=True):
        true(signed["url"].startswith(prefix), "the SDK kept the URL")
        c.route = signed["url"][len(prefix):]
        c.signature = signed["signature"]


def settings(rng, key, algorithm):
    """One of the ways to write the header that the SDK reads alike."""
    fields = [f"key={key}", f"algorithm={algorithm}"]
    if algorithm == "HMAC_SHA1" and rng.random() < 0.4:
        fields[1] = rng.choice(["", "algorithm", "algorithm=", "x=y"])
    rng.shuffle(fields)
    if rng.random() < 0.3:
        fields = [rng.choice([" ", ""]) + f.replace("=", rng.choice(
            ["=", " =", "= "]), 1) + rng.choice([" ", ""]) for f in fields]
    if rng.random() < 0.2:
        fields = [f.replace("HMAC_SHA", "hmac_Sha") for f in fields]
    if rng.random() < 0.3:
        fields += rng.choice([["algorithm=HMAC_SHA1"] if algorithm in
                              "".join(fields) else [], ["key=x"], ["", "a"]])
    return ",".join(fields)


def sign_by_shared_key(door, requests):
    rng = random.Random(SEED)
    for c in requests:
        c.settings = settings(rng, KEY, rng.choice(["HMAC_SHA1",
                                                    "HMAC_SHA256"]))
    sign_by_node(door, requests)


def other_settings(rng, c):
    """A header that says what the signature is not, or none."""
    sha256 = len(c.signature) == 44
    return rng.choice([
        None, settings(rng, "other-key", "HMAC_SHA256" if sha256
                       else "HMAC_SHA1"),
        settings(rng, KEY, "HMAC_SHA1" if sha256 else "HMAC_SHA256"),
        settings(rng, "no-such-key", "HMAC_SHA256" if sha256
                 else "HMAC_SHA1"),
        f"key={KEY},algorithm=HMAC_SHA512",
        c.settings.replace("key", "kei")])


def change(rng, text, alphabet):
    """One character of it is another one."""
    at = rng.randrange(len(text))
    new = rng.choice([c for c in alphabet if c != text[at]])
    return text[:at] + new + text[at + 1:]


def meaning(c, wire):
    """What of a body is signed."""
    return wire if c.params is None else sorted(set(pairs(wire)))


def changed(rng, c):
    """(route, wire, signature, settings) with one byte changed, so that it
    matters, or other settings."""
    path, _, query = c.route.partition("?")
    while True:
        where = rng.choice(["body", "query", "signature", "settings"])
        if where == "settings" and c.settings:
            return c.route, c.wire, c.signature, other_settings(rng, c)
        if where == "signature":
            # Standard base64, so that the last one may change bits that are
            # not of the digest.
            return c.route, c.wire, change(
                rng, c.signature[:-1],
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                "0123456789+/") + "=", c.settings
        if where == "query" and query:
            return (path + "?" + change(rng, query, "abcXYZ019-._~&=+"),
                    c.wire, c.signature, c.settings)
        if where == "body" and c.wire:
            wire = change(rng, c.wire.decode("latin-1"),
                          BYTES).encode("latin-1")
            if meaning(c, wire) != meaning(c, c.wire):
                return c.route, wire, c.signature, c.settings


def accepted(door, requests):
    for c in requests:
        reply = c.ask(door, c.route, c.wire, c.signature, c.settings)
        # The sample that has no sender is refused for that, and only that.
        fine = (200, 204) if c.params is None or "From" in c.params or \
            "MessageStatus" in c.params else (200, 204, 400)
        if c.params is None and "From" not in c.body:
            fine = (400,)
        if c.route.startswith("/whatsapp/status") and \
                "MessageSid" not in c.params:
            # A call's callback is recorded as one.
            fine = (204,) if "CallSid" in c.params else (400,)
        true(reply.status in fine,
             f"{reply.status} for {c.route} {c.wire!r} {c.signature} "
             f"{c.settings}")


def refused(door, requests):
    rng = random.Random(SEED)
    for c in requests:
        route, wire, signature, other = changed(rng, c)
        reply = c.ask(door, route, wire, signature, other)
        true(reply.status == 401,
             f"{reply.status} for {route} {wire!r} {signature} {other}, "
             f"changed from {c.route} {c.wire!r} {c.signature} {c.settings}")


def suite(results):
    with Site() as door:
        for name, sign, repeats in [
                ("python", sign_by_python, False),
                ("node", sign_by_node, True),
                ("node with a shared key", sign_by_shared_key, True)]:
            requests = cases(repeats)
            before = results.passed
            results.run(f"sdk: {name} signs", sign, door, requests)
            if results.passed == before:
                continue
            results.run(f"sdk: {name}, {len(requests)} accepted", accepted,
                        door, requests)
            results.run(f"sdk: {name}, one byte changed, all refused",
                        refused, door, requests)
