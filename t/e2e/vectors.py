"""The signature vectors, through the program as CGI runs it."""
import json
import os
import re

from client import Reply
from doors import TOKEN, ByHand
from outcome import Skip, true
from servers import SRCDIR
from twilio_sign import form, sha_query, sign

FORM = "application/x-www-form-urlencoded"
ORIGIN = re.compile(r"^((\w+)://([^/?#]*))(.*)$", re.DOTALL)


def site(origin, scheme, host):
    """The settings and variables that make this the public origin."""
    if scheme.lower() in ("http", "https"):
        return {"SWITCHHOOK_SERVER_PUBLIC_URL": origin}
    # wss can be no public_url, but a proxy in front may say it.
    return {"SWITCHHOOK_SERVER_PUBLIC_URL": "", "HTTP_HOST": host,
            "SWITCHHOOK_SERVER_TRUSTED_PROXIES": "192.0.2.1",
            "REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_PROTO": scheme}


def ask(door, vector):
    if "\0" in vector["signature"]:
        raise Skip("no header can hold a NUL")
    origin, scheme, host, rest = ORIGIN.match(vector["url"]).groups()
    if not rest.startswith("/"):
        rest = "/" + rest  # there is no request without a path
    env = door.variables(vector["method"], rest, [
        ("X-Twilio-Signature", vector["signature"]),
        ("Content-Type", vector["content_type"])])
    body = vector["raw_body"].encode()
    # The route is not what is tested: the URL is.
    env |= {"PATH_INFO": "/whatsapp", "CONTENT_LENGTH": str(len(body)),
            "SWITCHHOOK_TWILIO_AUTH_TOKEN": vector["auth_token"],
            "SWITCHHOOK_TWILIO_AUTH_TOKEN_PREVIOUS": ""}
    env |= site(origin, scheme, host)
    if vector["auth_token"].isprintable():
        return door.run(env, body)
    # The configuration refuses such a token: nothing is served with it.
    reply = door.run(env, body, expected=3)
    true(reply.status == 503, f"with a bad token: {reply}")
    return Reply(401, [], b"")


def check(door, vector):
    reply = ask(door, vector)
    if vector["expect"] == "valid":
        true(reply.status not in (401, 500, 503), f"refused: {reply}")
    elif vector["expect"] == "invalid":
        true(reply.status == 401, f"not refused: {reply}")


# The URL as it came, the URL that was signed, and the reply. twilio-node 6.3.1
# says the same of each.
PORTS = [
    ("https://h.example:8443", "https://h.example:8443", 200),
    ("https://h.example:8443", "https://h.example", 200),
    ("https://h.example:8443", "https://h.example:443", 401),
    ("https://h.example:80", "https://h.example:443", 401),
    ("http://h.example:8080", "http://h.example:80", 401),
    ("https://h.example", "https://h.example:443", 200),
    ("http://h.example", "http://h.example:80", 200),
    ("https://h.example", "https://h.example:80", 401),
    ("https://h.example", "https://h.example:8443", 401),
]


def check_port(door, came, signed, status):
    reply = door.run(*signed_request(
        door, came, "/whatsapp", sign(TOKEN, signed + "/whatsapp", MESSAGE),
        FORM, MESSAGE))
    true(reply.status == status, f"not {status}: {reply}")


MESSAGE = form({"From": "+14155550100", "Body": "x"})
JSON = b'{"From":"+14155550100","Body":"x"}'


def signed_request(door, origin, path, signature, kind, body):
    env = door.variables("POST", path, [
        ("X-Twilio-Signature", signature), ("Content-Type", kind)])
    return env | {"PATH_INFO": "/whatsapp", "CONTENT_LENGTH": str(len(body)),
                  "SWITCHHOOK_SERVER_PUBLIC_URL": origin}, body


def escaped(query, upto):
    """bodySHA256 with the first bytes of its value as %XX."""
    name, value = query.split("=")
    return name + "=" + "".join(
        f"%{ord(c):02x}" for c in value[:upto]) + value[upto:]


# How many bytes of the hash are escaped, what stands behind, and the reply.
HASHES = [(0, "", 200), (1, "", 200), (64, "", 200), (64, "&x=1", 200),
          (64, "%30", 401), (63, "%", 401), (64, "%00", 401)]


def check_hash(door, upto, more, status):
    path = "/whatsapp?" + escaped(sha_query(JSON), upto) + more
    reply = door.run(*signed_request(
        door, "https://h.example", path,
        sign(TOKEN, "https://h.example" + path), "application/json", JSON))
    true(reply.status == status, f"not {status}: {reply}")


# What the proxy says, who it is, and the URL that is signed.
PROXIES = [
    ({"HOST": "pub.example", "PROTO": "https"}, "10.1.2.3",
     "https://pub.example", 200),
    ({"HOST": "pub.example, inner", "PROTO": "https, http"}, "10.1.2.3",
     "https://pub.example", 200),
    ({"HOST": "pub.example", "PROTO": "https", "PORT": "8443"}, "10.1.2.3",
     "https://pub.example:8443", 200),
    ({"HOST": "pub.example:8443", "PROTO": "https", "PORT": "443"}, "10.1.2.3",
     "https://pub.example:8443", 200),
    ({"HOST": "[2001:db8::1]", "PROTO": "https", "PORT": "8443"}, "10.1.2.3",
     "https://[2001:db8::1]:8443", 200),
    ({"PROTO": "https"}, "10.1.2.3", "https://inner.example", 200),
    ({"HOST": "pub.example", "PROTO": "https"}, "192.0.2.1",
     "https://pub.example", 401),
    ({"HOST": "pub.example", "PROTO": "https"}, "192.0.2.1",
     "http://inner.example", 200),
]


def check_proxy(door, said, peer, origin, status):
    body = b"From=%2B14155550100&Body=x"
    env = door.variables("POST", "/whatsapp", [
        ("X-Twilio-Signature", sign(TOKEN, origin + "/whatsapp", body)),
        ("Content-Type", FORM)])
    env |= {"CONTENT_LENGTH": str(len(body)), "HTTP_HOST": "inner.example",
            "REMOTE_ADDR": peer, "SWITCHHOOK_SERVER_PUBLIC_URL": "",
            "SWITCHHOOK_SERVER_TRUSTED_PROXIES": "10.0.0.0/8"}
    env |= {"HTTP_X_FORWARDED_" + name: text for name, text in said.items()}
    reply = door.run(env, body)
    true(reply.status == status, f"not {status}: {reply}")


def suite(results):
    path = os.path.join(SRCDIR, "t/data/signature-vectors.json")
    with open(path, encoding="utf-8") as f:
        vectors = json.load(f)["vectors"]
    with ByHand() as door:
        for vector in vectors:
            results.run(f"vector {vector['name']}", check, door, vector)
        for case in PORTS:
            results.run(f"port {' signed '.join(case[:2])}",
                        check_port, door, *case)
        for n, case in enumerate(HASHES, 1):
            results.run(f"escaped hash {n}", check_hash, door, *case)
        for n, case in enumerate(PROXIES, 1):
            results.run(f"proxy {n}", check_proxy, door, *case)
