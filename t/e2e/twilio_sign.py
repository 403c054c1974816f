"""Twilio's signature, written down once more from its documentation, so that
the program is not checked against itself."""
import base64
import hashlib
import hmac
from urllib.parse import quote_plus, unquote_to_bytes


def _decode(text):
    return unquote_to_bytes(text.replace(b"+", b" "))


def pairs(body):
    """The (name, value) pairs of a form, as bytes, in their order."""
    out = []
    for segment in body.split(b"&"):
        if segment:
            name, _, value = segment.partition(b"=")
            out.append((_decode(name), _decode(value)))
    return out


def sign_bytes(token, data, algorithm=hashlib.sha1):
    digest = hmac.new(token.encode(), data, algorithm).digest()
    return base64.b64encode(digest).decode()


def sign(token, url, body=b"", algorithm=hashlib.sha1):
    """Of a form: the URL and each unique pair, sorted."""
    data = url.encode()
    for name, value in sorted(set(pairs(body))):
        data += name + value
    return sign_bytes(token, data, algorithm)


def sha_query(body):
    return "bodySHA256=" + hashlib.sha256(body).hexdigest()


def form(params):
    """[(name, value)] or a dict as Twilio encodes it."""
    items = params.items() if isinstance(params, dict) else params
    return "&".join(
        f"{quote_plus(n)}={quote_plus(v)}" for n, v in items).encode()
